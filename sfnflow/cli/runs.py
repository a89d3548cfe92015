"""sfnflow runs NAME"""

from typing import Annotated

import typer


def runs(
    name: Annotated[str, typer.Argument(help="The flow.")],
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the runs of a flow, newest first."""
    from rich.table import Table

    from sfnflow.cli.context import target
    from sfnflow.cli.output import (
        ago,
        emit,
        lasted,
        print_json,
        print_next,
        say,
        status_text,
        stdout,
    )
    from sfnflow.deploy import require_deployed

    where = target()
    found = where.runs(name, limit)
    if not found:
        require_deployed(where, name)
    if json:
        print_json({"runs": [run._asdict() for run in found]})
        return
    if not found:
        say(f"{name} has not run yet.")
        print_next(f"sfnflow trigger {name}")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("run", "status", "version", "started", "time"):
        table.add_column(column, no_wrap=True)
    for run in found:
        table.add_row(
            run.id,
            status_text(run.status),
            str(run.version),
            ago(run.started),
            lasted(run.started, run.stopped),
        )
    emit(stdout(), table)
