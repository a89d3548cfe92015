"""`python -P -m sfnflow.runtime.warm PACKAGE-FOLDER`: a process that has the flow loaded, and forks.

Metaflow and the flow are imported once; each job is a fork that runs its task and ends. Requests come
as JSON lines on stdin, answers go to what was stdout:

    {"id": job, "variables": {...}, "log": path}  ->  {"id": job, "code": exit code}
    {"kill": job}

A job that was killed has the exit code 128 + signal, as a container has. When stdin ends, so do the
process and every job in it. A job that has succeeded says so itself in the file SFNFLOW_DONE_FILE
before it ends, so that a kill of this process, or of the one above, loses nothing that was done.
"""

import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import sys
from dataclasses import dataclass, field
from typing import Any

from sfnflow.runtime import exits, process
from sfnflow.runtime.child import run_forked
from sfnflow.runtime.compute import run_everything_here
from sfnflow.runtime.folder import FolderStore
from sfnflow.runtime.host import run_flow_file
from sfnflow.runtime.job import JobRunner
from sfnflow.runtime.logs import LogWriter

_CHUNK = 1 << 16


@dataclass(slots=True)
class _Running:
    id: str
    scratch: str
    streams: dict[int, LogWriter] = field(default_factory=dict)


class ForkServer:
    """Reads requests, forks a job for each, copies its output to the logs, reports its end."""

    def __init__(self, runner: JobRunner, folder: str, requests: int, answers: int) -> None:
        self._runner, self._folder = runner, folder
        self._requests, self._answers = requests, answers
        self._selector = selectors.DefaultSelector()
        self._jobs: dict[int, _Running] = {}
        self._buffer = b""

    def serve(self) -> None:
        """Serves until the requests end, then kills what still runs."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._selector.register(woken, selectors.EVENT_READ)
        self._answer({"ready": True})
        while True:
            ready = [key.fd for key, _ in self._selector.select()]
            for fd in ready:
                if fd == self._requests:
                    if not self._read_requests():
                        self._kill_all()
                        return
                elif fd == woken:
                    os.read(woken, _CHUNK)
                else:
                    self._copy_output(fd)
            if woken in ready:
                self._reap()

    def _read_requests(self) -> bool:
        chunk = os.read(self._requests, _CHUNK)
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "kill" in request:
                self._kill(request["kill"])
            else:
                self._fork(request)
        return bool(chunk)

    def _fork(self, request: dict[str, Any]) -> None:
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        scratch = request["scratch"]
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run_forked(self._runner, request, self._folder, (out_write, err_write))
        os.close(out_write)
        os.close(err_write)
        running = _Running(request["id"], scratch)
        for fd, stream in ((out_read, "stdout"), (err_read, "stderr")):
            os.set_blocking(fd, False)
            running.streams[fd] = LogWriter(f"{request['log']}_{stream}.log")
            self._selector.register(fd, selectors.EVENT_READ, running)
        self._jobs[pid] = running

    def _copy_output(self, fd: int) -> None:
        try:
            running: _Running = self._selector.get_key(fd).data
        except KeyError:  # closed since by the reaping of its job
            return
        chunk = _read_available(fd)
        if chunk:
            running.streams[fd].write(chunk)
        elif chunk == b"":
            self._close_stream(running, fd)

    def _close_stream(self, running: _Running, fd: int) -> None:
        self._selector.unregister(fd)
        running.streams.pop(fd).close()
        os.close(fd)

    def _reap(self) -> None:
        while self._jobs:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            running = self._jobs.pop(pid, None)
            if running is None:
                continue
            for fd in list(running.streams):
                while chunk := _read_available(fd):
                    running.streams[fd].write(chunk)
                self._close_stream(running, fd)
            shutil.rmtree(running.scratch, ignore_errors=True)
            code = os.waitstatus_to_exitcode(status)
            self._answer({"id": running.id, "code": code if code >= 0 else 128 - code})

    def _kill(self, job: str) -> None:
        for pid, running in self._jobs.items():
            if running.id == job:
                _kill_group(pid)

    def _kill_all(self) -> None:
        for pid, running in self._jobs.items():
            _kill_group(pid)
            shutil.rmtree(running.scratch, ignore_errors=True)

    def _answer(self, document: dict[str, Any]) -> None:
        os.write(self._answers, json.dumps(document).encode() + b"\n")


def _read_available(fd: int) -> bytes | None:
    """What is there to read: nothing yet is None, the end is b""."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it may not have made its group yet
        os.kill(pid, signal.SIGKILL)


def _preload() -> None:
    """Imports and look-ups that each job would make again: git, versions, the task machinery."""
    import metaflow.cli_components.step_cmd
    import metaflow.mflog.mflog
    import metaflow.runtime
    import metaflow.task  # noqa: F401
    from metaflow import metaflow_git, metaflow_version

    process.preload()
    metaflow_version.get_version()
    metaflow_git.get_repository_info(os.path.dirname(sys.argv[0]))


def main(folder: str) -> None:
    """Loads the flow in `folder` and serves its jobs."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    with open(os.path.join(folder, "_sfnflow", "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)

    def serve(obj: Any) -> None:
        _preload()
        gc.collect()
        gc.freeze()
        store = FolderStore(os.environ["SFNFLOW_LEDGER_FOLDER"])
        ForkServer(JobRunner(obj, manifest, folder, store), folder, requests, answers).serve()

    exits.record_handlers()
    run_everything_here()
    script = os.path.join(folder, manifest["script"])
    run_flow_file(script, _top_options(folder, manifest), "step", serve)


def _top_options(folder: str, manifest: dict[str, Any]) -> list[str]:
    top = ["--quiet", "--no-pylint", "--metadata=local", "--environment=local"]
    top += ["--datastore=local", f"--datastore-root={os.environ['SFNFLOW_DATASTORE_FOLDER']}"]
    configs = os.path.join(folder, "_sfnflow", "configs.json")
    if os.path.exists(configs):
        top += ["--local-config-file", configs]
    return top + list(manifest["top_options"])


if __name__ == "__main__":
    main(sys.argv[1])
