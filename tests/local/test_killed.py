"""A kill at any moment: status explains the run, nothing done is lost, nothing is done twice."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

SLOW_FLOW = """
    import os, time
    from metaflow import FlowSpec, Parameter, step

    class SlowFlow(FlowSpec):
        trace = Parameter("trace", default="none")

        @step
        def start(self):
            self.items = list(range(24))
            self.next(self.work, foreach="items")

        @step
        def work(self):
            with open(self.trace + ".pids", "a") as file:
                file.write(f"{os.getpid()}\\n")
            while self.input >= 8 and not os.path.exists(self.trace + ".go"):
                time.sleep(0.05)
            with open(self.trace, "a") as file:
                file.write(f"{self.input}\\n")
            self.value = self.input
            self.next(self.join)

        @step
        def join(self, inputs):
            self.values = [task.value for task in inputs]
            self.next(self.end)

        @step
        def end(self):
            print(self.values == list(range(24)))

    if __name__ == "__main__":
        SlowFlow()
"""


@pytest.fixture
def started(cli: Cli, write: Callable[[str, str], Path]) -> tuple[str, Path]:
    """A run in the middle of its foreach: its id, and the file its tasks write to when done.

    Eight of its 24 tasks are done; the others wait for the file `trace.go`.
    """
    write("slow_flow.py", SLOW_FLOW)
    trace = cli.folder / "trace"
    cli.ok("create", "slow_flow.py", "--max-workers", "4")
    run = cli.ok("trigger", "SlowFlow", "-p", f"trace={trace}").out.strip()
    _wait_until(lambda: len(_lines(trace)) == 8 and len(_alive(trace)) == 4)
    return run, trace


def test_killed_engine_is_explained_and_continued(cli: Cli, started: tuple[str, Path]) -> None:
    run, trace = started
    os.kill(_engine(cli, run), signal.SIGKILL)
    _wait_until(lambda: _status(cli, run) == "INTERRUPTED")
    shown = cli.ok("status", run, "--no-watch").out
    assert "The process that ran it is gone" in shown
    assert f"sfnflow redrive {run}" in shown
    finished = _finished(cli, run)
    assert finished

    _let_go(trace)
    cli.ok("redrive", run, "--wait")

    assert _status(cli, run) == "SUCCEEDED"
    times = Counter(_lines(trace))
    assert set(times) == {str(index) for index in range(24)}
    assert [index for index in finished if times[index] != 1] == []
    assert cli.ok("logs", run, "end").out.rstrip().endswith("True")


def test_killed_engine_leaves_no_process_behind(cli: Cli, started: tuple[str, Path]) -> None:
    run, trace = started
    os.kill(_engine(cli, run), signal.SIGKILL)
    _wait_until(lambda: _status(cli, run) == "INTERRUPTED")
    assert _alive(trace) == []


def test_killed_task_fails_the_run_and_is_named(cli: Cli, started: tuple[str, Path]) -> None:
    run, trace = started
    os.kill(_alive(trace)[-1], signal.SIGKILL)
    _wait_until(lambda: _status(cli, run) != "RUNNING")
    document = cli.ok("status", run, "--json").json
    assert document["run"]["status"] == "FAILED"
    assert document["failure"]["task"]["step"] == "work"
    assert document["failure"]["reason"] == "Killed by signal 9"
    finished = _finished(cli, run)

    _let_go(trace)
    cli.ok("redrive", run, "--wait")

    times = Counter(_lines(trace))
    assert [index for index in finished if times[index] != 1] == []
    assert cli.ok("logs", run, "end").out.rstrip().endswith("True")
    document = cli.ok("status", run, "--json").json
    assert document["failed_tasks"] == []
    assert [step["failed"] for step in document["steps"]] == [0, 0, 0, 0]


def test_stop_ends_every_task_and_keeps_what_was_done(cli: Cli, started: tuple[str, Path]) -> None:
    run, trace = started
    cli.ok("stop", run)
    document = cli.ok("status", run, "--json").json
    assert document["run"]["status"] == "ABORTED"
    assert next(s for s in document["steps"] if s["step"] == "work")["terminated"] == 4
    assert "4 stopped" in cli.ok("status", run).out
    assert _alive(trace) == []
    assert cli("stop", run).code == 1
    finished = _finished(cli, run)
    _let_go(trace)
    cli.ok("redrive", run, "--wait")
    times = Counter(_lines(trace))
    assert set(times) == {str(index) for index in range(24)}
    assert [index for index in finished if times[index] != 1] == []


def test_resume_takes_over_from_a_killed_run(cli: Cli, started: tuple[str, Path]) -> None:
    run, trace = started
    os.kill(_engine(cli, run), signal.SIGKILL)
    _wait_until(lambda: _status(cli, run) == "INTERRUPTED")
    finished = _finished(cli, run)
    _let_go(trace)
    resumed = cli.ok("resume", "--origin-run-id", run)
    assert resumed.out.count(f"Cloning previously run task {run}/work/") == len(finished)
    assert "True" in resumed.out


def _finished(cli: Cli, run: str) -> list[str]:
    """The items whose task has finished, by Metaflow's own word: what must not run again."""
    found: list[int] = cli.python(
        f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        print(json.dumps([t.data.value for t in Run("SlowFlow/{run}")["work"] if t.successful]))
        """
    )
    return [str(value) for value in found]


def _let_go(trace: Path) -> None:
    Path(f"{trace}.go").touch()


def _engine(cli: Cli, run: str) -> int:
    return int((cli.folder / ".sfnflow" / "runs" / run.removeprefix("sfn-") / "lock").read_text())


def _status(cli: Cli, run: str) -> str:
    return str(cli.ok("status", run, "--json").json["run"]["status"])


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _alive(trace: Path) -> list[int]:
    """The pids of the tasks that run; one that has ended and waits for its parent does not."""
    return [pid for pid in map(int, _lines(Path(f"{trace}.pids"))) if _state(pid) not in ("", "Z")]


def _state(pid: int) -> str:
    """Of proc(5): R, S, Z and so on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def _wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
