"""A process that forks a job for each request, copies its output to the logs, reports its end."""

import json
import os
import selectors
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sfnflow.runtime.logs import LogWriter
from sfnflow.runtime.process import kill_children, kill_group

SUCCESS, CAUGHT = 113, 114
"""What a job exits with when its task is done, or done by `@catch`: os._exit(0) in a step gives 0."""

_CHUNK = 1 << 16
_UNDONE = b"The process ended with exit code 0 before its task was done.\n"

Fork = Callable[[dict[str, Any], tuple[int, int], Iterable[int]], NoReturn]
"""Runs a request in a fork: its output pipes, and the descriptors of the server to be closed."""


@dataclass(slots=True)
class _Running:
    id: str
    scratch: str
    log: str
    streams: dict[int, LogWriter] = field(default_factory=dict)


class ForkServer:
    """Serves requests, as the docstring of runtime.warm has them."""

    def __init__(self, fork: Fork, requests: int, answers: int) -> None:
        self._fork_job = fork
        self._requests, self._answers = requests, answers
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._jobs: dict[int, _Running] = {}
        self._buffer = b""

    def serve(self) -> None:
        """Serves until the requests end, then kills what still runs."""
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(self._wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._answer({"ready": True})
        while True:
            ready = [key.fd for key, _ in self._selector.select()]
            for fd in ready:
                if fd == self._requests:
                    if not self._read_requests():
                        self._end()
                        return
                elif fd == self._woken:
                    os.read(self._woken, _CHUNK)
                else:
                    self._copy_output(fd)
            if self._woken in ready:
                self._reap()

    def _read_requests(self) -> bool:
        chunk = os.read(self._requests, _CHUNK)
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "kill" in request:
                for pid, running in self._jobs.items():
                    if running.id == request["kill"]:
                        kill_group(pid)
            else:
                self._fork(request)
        return bool(chunk)

    def _fork(self, request: dict[str, Any]) -> None:
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        request["parent"] = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._fork_job(request, (out_write, err_write), [out_read, err_read, *self._own()])
        os.close(out_write)
        os.close(err_write)
        running = _Running(request["id"], request["scratch"], request["log"])
        for fd, stream in ((out_read, "stdout"), (err_read, "stderr")):
            os.set_blocking(fd, False)
            running.streams[fd] = LogWriter(f"{request['log']}_{stream}.log")
            self._selector.register(fd, selectors.EVENT_READ, running)
        self._jobs[pid] = running

    def _own(self) -> list[int]:
        """Descriptors that a job must not hold: it would keep our streams open after us."""
        streams = [fd for running in self._jobs.values() for fd in running.streams]
        pipes = [self._requests, self._answers, self._woken, self._wake]
        selector: Any = self._selector
        return [*streams, *pipes, selector.fileno()] if hasattr(selector, "fileno") else streams

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
            if running is not None:  # else it was adopted
                self._finish(pid, running, os.waitstatus_to_exitcode(status))

    def _finish(self, pid: int, running: _Running, code: int) -> None:
        kill_group(pid)  # a job's own children end with it, as in a container
        for fd in list(running.streams):
            # Once: whoever has left the group may go on writing for as long as it lives.
            running.streams[fd].write(_read_available(fd) or b"")
            self._close_stream(running, fd)
        if code == 0:
            last_word = LogWriter(f"{running.log}_stderr.log")
            last_word.write(_UNDONE)
            last_word.close()
        shutil.rmtree(running.scratch, ignore_errors=True)
        ended = {SUCCESS: 0, CAUGHT: 0, 0: 1}.get(code, code)
        self._answer({"id": running.id, "code": ended, "caught": code == CAUGHT})

    def _end(self) -> None:
        kill_children()
        for running in self._jobs.values():
            shutil.rmtree(running.scratch, ignore_errors=True)

    def _answer(self, document: dict[str, Any]) -> None:
        os.write(self._answers, json.dumps(document).encode() + b"\n")


def _read_available(fd: int) -> bytes | None:
    """What is there to read: nothing yet is None, the end is b""."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
