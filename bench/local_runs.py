"""Runs of a generated foreach: on the local target, and by Metaflow's own scheduler."""

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from flows import write_foreach
from sandbox import PYTHON, SFNFLOW, BenchError, Sandbox

NAME = "Foreach"
_POLL_SECONDS = 0.1
# 2026-01-31 12:00:00.000 [1/work/3 (pid 77)] Task is starting.
_TASK_LINE = re.compile(r"^(\S+ \S+) \[\S+/work/\S+ .*\] Task (is starting|finished successfully)")


class LocalRun(NamedTuple):
    """A run that has succeeded, and how long it took by its own record."""

    execution: str
    seconds: float


def deploy(where: Sandbox, tasks: int, workers: int) -> None:
    """Creates the foreach of `tasks` tasks, at most `workers` of them at once."""
    flow = write_foreach(where.folder, tasks)
    where.run(SFNFLOW, "create", str(flow), "--max-workers", str(workers))


def run_and_wait(where: Sandbox, workers: int) -> LocalRun:
    """A run as `trigger --wait` makes it, its watching included."""
    where.run(SFNFLOW, "trigger", NAME, "--wait", SFNFLOW_LOCAL_SLOTS=str(workers))
    return _newest(where)


def run_and_observe(
    where: Sandbox, workers: int, observe: Callable[[Path], bool], **env: str
) -> LocalRun:
    """A run during which `observe` is called with its folder, as long as it asks for more."""
    slots = str(workers)
    started = where.sfnflow_json("trigger", NAME, SFNFLOW_LOCAL_SLOTS=slots, **env)
    execution = started["run"]["id"].removeprefix("sfn-")
    while observe(where.folder / ".sfnflow" / "runs" / execution):
        time.sleep(_POLL_SECONDS)
    return _newest(where)


def their_rate(where: Sandbox, tasks: int, workers: int) -> float:
    """Tasks a second of `python flow.py run`, from its first foreach task's start to its last's end.

    Its start-up, start, join and end are left out, in its favour.
    """
    flow = write_foreach(where.folder, tasks)
    width = ["--max-workers", str(workers), "--max-num-splits", "100000"]
    out = where.run(PYTHON, str(flow), "--no-pylint", "run", *width).out
    found = [match for line in out.splitlines() if (match := _TASK_LINE.match(line))]
    times = [datetime.fromisoformat(match[1]) for match in found]
    done = sum(match[2] == "finished successfully" for match in found)
    if done != tasks:
        raise BenchError(f"python flow.py run has finished {done} of {tasks} tasks")
    return tasks / (max(times) - min(times)).total_seconds()


def _newest(where: Sandbox) -> LocalRun:
    run = where.sfnflow_json("runs", NAME, "--limit", "1")["runs"][0]
    if run["status"] != "SUCCEEDED":
        raise BenchError(f"the run {run['status']}: {run['error']} {run['cause']}")
    started, stopped = (datetime.fromisoformat(run[key]) for key in ("started", "stopped"))
    return LocalRun(run["id"].removeprefix("sfn-"), (stopped - started).total_seconds())
