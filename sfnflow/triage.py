"""Why a run failed: the task it began with, what that printed, what to do."""

import re
from pathlib import Path
from typing import NamedTuple

from sfnflow.graph import Flow
from sfnflow.targets import Run, StepProgress, Target, Task

_NO_SUCH_FILE = re.compile(r"FileNotFoundError: .*'([^']+)'$")
_LOG_LINES = 8


class Triage(NamedTuple):
    """Why a run failed: the task it began with, the end of what it printed, its step's tasks.

    `left_out` says which file the task did not find because the snapshot does not hold it.
    """

    task: Task | None
    reason: str
    log: tuple[str, ...] = ()
    done: int = 0
    tasks: int = 0
    left_out: str = ""


def triage(target: Target, run: Run, progress: list[StepProgress]) -> Triage:
    """What a failed run failed of: the first task in it that did, not those stopped because of it."""
    failed = [task for task in target.tasks(run, failed=True) if not task.terminated]
    if not failed:
        return Triage(None, run.cause or run.error)
    task = min(failed, key=lambda task: task.stopped or run.started)
    lines = [line.text for line in target.log_lines(run, task, {}) if line.stream == "stderr"]
    step = next(p for p in progress if p.step == task.step)
    left_out = _left_out(target.flow_of(run), lines)
    return Triage(
        task, task.reason, tuple(lines[-_LOG_LINES:]), step.done, step.total or 0, left_out
    )


def _left_out(flow: Flow, log: list[str]) -> str:
    """What to do when a task looks for a file that lies beside the flow but is not packaged."""
    missing = [found[1] for line in log if (found := _NO_SUCH_FILE.search(line))]
    if not missing or Path(missing[-1]).is_absolute():
        return ""
    file = Path(flow.file).with_name(missing[-1])
    if not file.is_file():
        return ""
    suffixes = f".py,{file.suffix or file.name}"
    return (
        f"{missing[-1]} is not in the snapshot: sfnflow create {Path(flow.file).name}"
        f" --package-suffixes {suffixes}"
    )
