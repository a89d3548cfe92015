"""The life of one forked job, from the fork to its exit code."""

import json
import os
import random
import sys
import traceback
from typing import Any, NoReturn

from sfnflow.runtime import exits
from sfnflow.runtime.job import Job, JobRunner
from sfnflow.runtime.process import die_with_parent


def run_forked(
    runner: JobRunner, request: dict[str, Any], folder: str, output: tuple[int, int]
) -> NoReturn:
    """Runs the job of `request` in this fork, its output going to `output`, and ends the process."""
    code = 1
    try:
        os.setsid()
        die_with_parent()
        exits.after_fork()
        os.dup2(output[0], 1)
        os.dup2(output[1], 2)
        _enter_scratch(request["scratch"], folder)
        _reseed()
        code = _run(runner, Job.from_environment(request["variables"]))
        if code == 0:
            _record_success(request)
        exits.finish()
    finally:
        os._exit(code)


def _run(runner: JobRunner, job: Job) -> int:
    try:
        runner.run(job)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        _print_error(error)
        return 1
    return 0


def _print_error(error: Exception) -> None:
    """The traceback from the user's code on: what lies above it is Metaflow's and ours."""
    import metaflow

    own = (os.path.dirname(metaflow.__file__), os.path.dirname(os.path.dirname(__file__)))
    shown = error.__traceback__
    while shown and shown.tb_frame.f_code.co_filename.startswith(own):
        shown = shown.tb_next
    traceback.print_exception(type(error), error, shown)


def _record_success(request: dict[str, Any]) -> None:
    """Says that the job is done, where a kill of every other process of the run cannot undo it."""
    record = {key: request[key] for key in ("id", "place", "step", "path")}
    done = os.open(os.environ["SFNFLOW_DONE_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(done, json.dumps(record).encode() + b"\n")
    os.close(done)


def _enter_scratch(scratch: str, folder: str) -> None:
    """A working directory of the job's own, in which the package's files are seen but not changed."""
    os.makedirs(scratch)
    for name in os.listdir(folder):
        os.symlink(os.path.join(folder, name), os.path.join(scratch, name))
    os.chdir(scratch)


def _reseed() -> None:
    """Forks would otherwise draw the same random numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
