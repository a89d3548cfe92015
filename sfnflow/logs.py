"""What the tasks of a run print: all there is, or what comes while it runs."""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from sfnflow.errors import NotFoundError, UsageError
from sfnflow.run import require_step
from sfnflow.targets import LogLine, Run, Target

_POLL_SECONDS = 0.2
_SHOWN = 5


class LogQuery(NamedTuple):
    """Which lines of a run: of a step, of a task (None means any), only the last so many of what
    there is; and whether to go on with what comes until the run is over."""

    step: str | None = None
    task: str | None = None
    tail: int | None = None
    follow: bool = False


def follow_logs(target: Target, run: Run, query: LogQuery) -> Iterator[LogLine]:
    """What the run's tasks print. NotFoundError when the step or task is not of the run."""
    if query.step is not None:
        require_step(target.flow_of(run), query.step)
    if query.task is not None:
        query = query._replace(task=_require_task(target, run, query))
    skip: dict[str, int] = {}
    read: set[str] = set()
    over = target.find_runs(run.id)[0].status != "RUNNING"
    so_far = _new_lines(target, run, query, skip, read)
    yield from so_far if query.tail is None else deque(so_far, maxlen=query.tail)
    while query.follow and not over:
        time.sleep(_POLL_SECONDS)
        over = target.find_runs(run.id)[0].status != "RUNNING"
        yield from _new_lines(target, run, query, skip, read)


def _new_lines(
    target: Target, run: Run, query: LogQuery, skip: dict[str, int], read: set[str]
) -> Iterator[LogLine]:
    """What was printed since `skip`; tasks that are over and were read whole are in `read`."""
    for task in target.tasks(run, step=query.step):
        if task.id in read or query.task not in (None, task.id):
            continue
        yield from target.log_lines(run, task, skip)
        if task.status in ("SUCCEEDED", "FAILED"):
            read.add(task.id)


def _require_task(target: Target, run: Run, query: LogQuery) -> str:
    """The id of the one task that begins so: the log shows the first eight characters."""
    wanted = query.task or ""
    ids = [t.id for t in target.tasks(run, step=query.step) if t.id.startswith(wanted)]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise UsageError(f"{wanted} is the beginning of {len(ids)} tasks.", details=ids[:_SHOWN])
    raise NotFoundError(
        f"{run.id} has no task {wanted}{f' of step {query.step}' if query.step else ''}.",
        hint=f"`sfnflow logs {run.id}` shows the id of each task beside its lines.",
    )
