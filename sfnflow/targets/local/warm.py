"""The engine's side of the warmed processes: starts them, hands them jobs, hears of their end."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_LOAD_SECONDS = 600
KILLED = -signal.SIGKILL


class Request(NamedTuple):
    """One attempt of a job. `log` is the start of its log files' names, `scratch` its own folder.

    `place` (where in the execution), `step` and `path` come back in the record of its success.
    """

    id: str
    attempt: int
    place: str
    step: str
    path: str
    variables: dict[str, str]
    log: str
    scratch: str


class Ended(NamedTuple):
    """How an attempt ended: its exit code, minus the signal that killed it; `caught` by `@catch`."""

    code: int
    caught: bool = False


class WarmStartError(Exception):
    """The flow in the package could not be loaded; the text is the last line it printed."""


class WarmProcess:
    """A process with the flow loaded, that forks a job for each request (sfnflow.runtime.warm)."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path, lock: int) -> None:
        self._folder, self._environment, self._log, self._lock = folder, environment, log, lock
        self._waiting: dict[str, asyncio.Future[Ended]] = {}
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._loading: asyncio.subprocess.Process | None = None

    async def run(self, request: Request) -> Ended:
        """Runs one attempt to its end. When cancelled, the job is dead on return."""
        process = await self._started()
        ended = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = ended
        self._send(process, request._asdict())
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._send(process, {"kill": request.id})
            await ended
            raise

    async def close(self) -> None:
        """Ends the process, and every job that it still has."""
        if self._starting is None:
            return
        if self._loading is not None:  # nobody waits any more for what it loads
            self._loading.kill()
        try:
            process = await self._starting
        except WarmStartError:
            return
        assert process.stdin is not None and self._reader is not None
        process.stdin.close()
        await self._reader

    async def _started(self) -> asyncio.subprocess.Process:
        gone = self._starting is not None and self._starting.done() and not self._alive()
        if self._starting is None or gone:
            self._starting = asyncio.create_task(self._start())
        # Shielded: whoever waits may be cancelled, the others still want the process.
        return await asyncio.shield(self._starting)

    def _alive(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def _start(self) -> asyncio.subprocess.Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if not self._folder.is_dir():
            raise WarmStartError(f"its code package {self._folder} is gone")
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "sfnflow.runtime.warm", os.fspath(self._folder)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(self._environment),
                cwd=self._folder,
                pass_fds=(self._lock,),
            )
        self._loading = process
        assert process.stdout is not None
        ready = await asyncio.wait_for(process.stdout.readline(), _LOAD_SECONDS)
        self._loading = None
        if not ready:
            await process.wait()
            lines = self._log.read_text(errors="replace").strip().splitlines()
            raise WarmStartError(lines[-1] if lines else f"exit code {process.returncode}")
        self._reader = asyncio.create_task(self._read(process))
        return process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            self._resolve(answer["id"], Ended(answer["code"], answer["caught"]))
        await process.wait()
        # It was killed, and its jobs with it.
        for job in list(self._waiting):
            self._resolve(job, Ended(KILLED))

    def _resolve(self, job: str, ended: Ended) -> None:
        waiting = self._waiting.pop(job, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(ended)

    def _send(self, process: asyncio.subprocess.Process, document: dict[str, Any]) -> None:
        # A process that is gone cannot be told; the reader resolves what waits for it.
        with contextlib.suppress(ConnectionError, RuntimeError):
            assert process.stdin is not None
            process.stdin.write(json.dumps(document).encode() + b"\n")


class WarmPool:
    """One warmed process per package and job environment: @environment is set before any import."""

    def __init__(self, base: Mapping[str, str], logs: Path, lock: int) -> None:
        self._base, self._logs, self._lock = base, logs, lock
        self._processes: dict[tuple[Path, frozenset[tuple[str, str]]], WarmProcess] = {}

    def process(self, folder: Path, environment: Mapping[str, str]) -> WarmProcess:
        """The process for jobs of that package with that environment."""
        key = (folder, frozenset(environment.items()))
        if key not in self._processes:
            log = self._logs / f"warm-{len(self._processes)}.log"
            merged = {**self._base, **environment, "SFNFLOW_LOCK": str(self._lock)}
            self._processes[key] = WarmProcess(folder, merged, log, self._lock)
        return self._processes[key]

    async def close(self) -> None:
        """Ends all of them."""
        await asyncio.gather(*(process.close() for process in self._processes.values()))
