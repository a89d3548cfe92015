"""sfnflow redrive RUN"""

from typing import Annotated

import typer


def redrive(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the run until it is over; exit 1 if it failed.")
    ] = False,
) -> None:
    """Go on with a run that failed, was stopped or interrupted, in place and with its own code.

    Tasks that have succeeded are not run again.
    """
    from sfnflow.cli import progress
    from sfnflow.cli.context import target
    from sfnflow.cli.output import print_next, say
    from sfnflow.run import redrive as go_on

    where = target()
    found = go_on(where, run)
    say(f"{found.id} goes on.")
    if not wait:
        print_next(f"sfnflow status {found.id}", f"sfnflow logs {found.id}")
        return
    if progress.show_until_over(where, found).status != "SUCCEEDED":
        raise typer.Exit(1)
