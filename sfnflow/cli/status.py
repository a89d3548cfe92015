"""sfnflow status RUN"""

import sys
from typing import Annotated

import typer


def status(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, its beginning, or a flow.")
    ],
    watch: Annotated[
        bool | None,
        typer.Option(
            "--watch/--no-watch", help="Stay until the run is over; on a terminal the default."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, once.")] = False,
) -> None:
    """Show what a run does: its steps, how many tasks are done, what failed and why."""
    from sfnflow.cli import progress
    from sfnflow.cli.context import target
    from sfnflow.cli.output import print_json
    from sfnflow.run import require_run

    where = target()
    found = require_run(where, run, or_newest=True)
    if json:
        print_json(progress.document(where, found))
        return
    if watch is None:
        watch = sys.stdout.isatty() and sys.stderr.isatty()
    if watch and found.status == "RUNNING":
        progress.show_until_over(where, found)
    else:
        progress.print_once(where, found)
