"""sfnflow logs RUN [STEP]"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sfnflow.targets import LogLine


def logs(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN[/STEP[/TASK]]", help="A run's id, its beginning, or a flow."),
    ],
    step: Annotated[str | None, typer.Argument(help="Only the tasks of this step.")] = None,
    task: Annotated[
        str | None, typer.Option(help="Only the task (or job) whose id begins so.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", "-f", help="Go on while the run does.")
    ] = True,
    tail: Annotated[int | None, typer.Option(min=0, help="Only the last so many lines.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print what the tasks of a run have printed, and what they print while it runs.

    What they wrote to stderr comes on stderr, and all of it on stdout when it is JSON.
    """
    from sfnflow.cli.context import target
    from sfnflow.logs import LogQuery, follow_logs
    from sfnflow.run import require_run

    parts = [*run.split("/"), None, None]
    query = LogQuery(step or parts[1], task or parts[2], tail, follow)
    where = target()
    found = require_run(where, parts[0] or "", or_newest=True)
    _print(follow_logs(where, found, query), json)


def _print(lines: Iterable["LogLine"], as_json: bool) -> None:
    import json
    import sys

    from sfnflow.cli.output import SCHEMA

    for line in lines:
        task = line.task
        if as_json:
            document = {
                "schema": SCHEMA,
                "step": task.step,
                "task": task.id,
                "path": task.path,
                "stream": line.stream,
                "time": line.time and line.time.isoformat(),
                "text": line.text,
            }
            sys.stdout.write(json.dumps(document) + "\n")
        else:
            place = f"{task.step}[{task.path.replace('.', '][')}]" if task.path else task.step
            time = f"{line.time:%H:%M:%S} " if line.time else ""
            stream = sys.stderr if line.stream == "stderr" else sys.stdout
            stream.write(f"{time}{place}/{task.id[:8]}  {line.text}\n")
            stream.flush()
