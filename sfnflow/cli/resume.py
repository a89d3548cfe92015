"""sfnflow resume --origin-run-id RUN"""

from pathlib import Path
from typing import Annotated

import typer


def resume(
    origin_run_id: Annotated[
        str, typer.Option(metavar="RUN", help="The run to resume: its id, or its beginning.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FLOW.py", help="The flow's file, unless where it was deployed from."
        ),
    ] = None,
) -> None:
    """Fix the bug, then rerun what failed, on this machine, with today's code.

    This is Metaflow's own resume: a new run, in your namespace, in which the results of every task
    that had succeeded are reused.
    """
    from sfnflow.cli.context import target
    from sfnflow.cli.output import say
    from sfnflow.run import require_run, resume_here, resume_script

    where = target()
    run = require_run(where, origin_run_id)
    script = file or resume_script(where, run)
    say(f"Resuming {run.id} ({run.status}) with {script}")
    code = resume_here(where, run, script)
    if code:
        raise typer.Exit(1)
