"""sfnflow delete NAME"""

import sys
from typing import Annotated

import typer


def delete(
    name: Annotated[str, typer.Argument(help="The deployed flow.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a flow out of service. Its runs, artifacts and logs stay."""
    from sfnflow.cli.context import target
    from sfnflow.cli.output import say
    from sfnflow.deploy import apply_delete, require_deployed
    from sfnflow.errors import UsageError

    where = target()
    deployed = require_deployed(where, name)
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"Nobody is there to confirm that {name} goes.", hint="Give --yes.")
    say(f"{name} version {deployed.version} on {where.label} goes out of service.")
    say("Its runs, artifacts, logs and code packages stay, and so does its production token.")
    if not yes:
        typer.confirm("Go on?", abort=True, err=True)
    apply_delete(where, name)
    say(f"{name} is deleted.")
