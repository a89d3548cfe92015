"""sfnflow trigger NAME"""

from pathlib import Path
from typing import Annotated, Any

import typer


def trigger(
    name: Annotated[str, typer.Argument(help="The deployed flow.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter's value."),
    ] = None,
    parameters_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A JSON object with parameters; - reads stdin."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the run until it is over; exit 1 if it failed.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="With --wait: how long, in seconds.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Start a run of a deployed flow, and print its id.

    The run goes on when this command ends, and outlives the terminal. Values are checked before
    anything starts, and reach the flow as they are: no shell sees them.

    \b
    sfnflow trigger ParameterFlow -p alpha=0.5 --wait
    sfnflow trigger ParameterFlow --parameters-file values.json
    """
    from sfnflow.cli import progress
    from sfnflow.cli.context import target
    from sfnflow.cli.output import print_json, print_next, say
    from sfnflow.run import trigger as start
    from sfnflow.values import parse_assignments

    given: dict[str, Any] = {**_read(parameters_file), **parse_assignments(parameter or ())}
    where = target()
    run = start(where, name, given)
    if not wait:
        if json:
            print_json({"run": run._asdict()})
        else:
            say(f"Started {run.name} version {run.version}.")
            typer.echo(run.id)
            print_next(f"sfnflow status {run.id}", f"sfnflow logs {run.id}")
        return
    if not json:
        typer.echo(run.id)
    run = progress.show_until_over(where, run, timeout)
    if json:
        print_json(progress.document(where, run))
    if run.status != "SUCCEEDED":
        raise typer.Exit(1)


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    import json
    import sys

    from sfnflow.errors import UsageError

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"--parameters-file {file} cannot be read: {error}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"--parameters-file {file} must hold a JSON object of names and values.")
    return document
