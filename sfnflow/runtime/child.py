"""The life of one forked job, from the fork to its exit code."""

import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from sfnflow.runtime import exits, forking
from sfnflow.runtime.job import Job
from sfnflow.runtime.process import die_with_parent
from sfnflow.runtime.server import CAUGHT, SUCCESS

Run = Callable[[Job], bool]
"""Runs a job; whether `@catch` took what its task raised."""


def run_forked(run: Run, request: dict[str, Any], folder: str, output: tuple[int, int]) -> NoReturn:
    """Runs the job of `request` in this fork, its output going to `output`, and ends the process."""
    code = 1
    try:
        os.setsid()
        die_with_parent(request["parent"])
        exits.after_fork()
        for fd, target in zip(output, (1, 2), strict=True):
            os.dup2(fd, target)
            os.close(fd)
        shutil.copytree(folder, request["scratch"], copy_function=shutil.copy)
        os.chdir(request["scratch"])
        forking.reseed()
        code = _run(run, request)
        exits.finish()
    except BaseException:  # noqa: BLE001 - there is nobody above to tell
        traceback.print_exc()
    finally:
        os.chdir("/")
        shutil.rmtree(request["scratch"], ignore_errors=True)
        os._exit(code)


def _run(run: Run, request: dict[str, Any]) -> int:
    job = Job.from_environment(request["variables"])
    _record(request, "started")
    try:
        caught = run(job)
    except SystemExit as error:
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:  # noqa: BLE001 - the user's code may raise anything
        if not job.only_hand_over:  # else the task has said it all when it failed
            _print_error(error)
        return 1
    _record(request, "done")
    return CAUGHT if caught else SUCCESS


def _print_error(error: BaseException) -> None:
    """The traceback from the user's code on: what lies above it is Metaflow's and ours."""
    import metaflow

    own = (os.path.dirname(metaflow.__file__), os.path.dirname(os.path.dirname(__file__)))
    shown = error.__traceback__
    while shown and shown.tb_frame.f_code.co_filename.startswith((*own, "<frozen")):
        shown = shown.tb_next
    traceback.print_exception(type(error), error, shown)


def _record(request: dict[str, Any], state: str) -> None:
    """Says how far the job is, where a kill of every other process of the run cannot undo it."""
    record = {key: request[key] for key in ("id", "attempt", "place", "step", "path")}
    line = json.dumps({**record, "state": state}).encode() + b"\n"
    fd = os.open(os.environ["SFNFLOW_DONE_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(fd, line)
    os.close(fd)
