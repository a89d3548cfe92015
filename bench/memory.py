"""A very wide foreach: that it finishes, and how much memory its processes take at most."""

import time
from pathlib import Path

from local_runs import deploy, run_and_observe
from rows import Row, at_most
from sandbox import BenchError, sandbox

REQUIRED_MB = 300
_ENGINE, _WARM = "sfnflow.targets.local.engine", "sfnflow.runtime.warm"
_START_SECONDS = 60


class _Peaks:
    """The highest VmHWM seen of the engine and of its warmed process.

    The kernel keeps that mark itself, so looking now and then misses at most what grows in the last
    moment before the exit.
    """

    def __init__(self) -> None:
        self.engine = self.warm = 0.0
        self._warm_pid: int | None = None
        self._deadline = time.monotonic() + _START_SECONDS

    def look(self, run: Path) -> bool:
        """Reads the marks, and says whether the engine still lives.

        `run` is the folder of the run, whose lock holds the engine's pid, once it has started.
        """
        pid = _read(run / "lock")
        if not pid.isdecimal() or _ENGINE not in _command(int(pid)):
            if not self.engine and time.monotonic() > self._deadline:
                raise BenchError("no engine was seen")
            return not self.engine
        self.engine = max(self.engine, _peak_mb(int(pid)))
        if self._warm_pid is None:
            self._warm_pid = _child(int(pid), _WARM)
        else:
            self.warm = max(self.warm, _peak_mb(self._warm_pid))
        return True


def measure(tasks: int, workers: int) -> list[Row]:
    """One run of `tasks` tasks. What it prints of the join is the process that ran it."""
    with sandbox() as where:
        deploy(where, tasks, workers)
        peaks = _Peaks()
        join = where.folder / "join-status"
        run = run_and_observe(where, workers, peaks.look, BENCH_PEAK_FILE=str(join))
        join_mb = _vm_hwm(join.read_text())
    what = f"{tasks:,} tasks, width {workers}"
    return [
        at_most(
            f"{what}: engine's peak, MB",
            f"{peaks.engine:.0f} MB",
            "",
            peaks.engine,
            REQUIRED_MB,
            "The run has succeeded, and its end has checked the sum over all tasks.",
        ),
        Row(f"{what}: warmed process's peak", f"{peaks.warm:.0f} MB"),
        Row(f"{what}: join's peak, all artifacts read", f"{join_mb:.0f} MB"),
        Row(f"{what}: rate", f"{tasks / run.seconds:.1f} tasks/s"),
    ]


def _child(parent: int, module: str) -> int | None:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and module in _command(int(entry.name)):
            status = _read(entry / "status")
            if f"PPid:\t{parent}\n" in status:
                return int(entry.name)
    return None


def _command(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def _peak_mb(pid: int) -> float:
    return _vm_hwm(_read(Path(f"/proc/{pid}/status")))


def _vm_hwm(status: str) -> float:
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""
