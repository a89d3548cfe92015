"""Tasks are processes of their own: what they share, how they end, what they leave behind."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

HEAD = """
import os, random, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from metaflow import FlowSpec, step
"""


def _flow(top: str, start: str = "pass", work: str = "pass", end: str = "pass") -> str:
    """A flow with a foreach of three; the texts go into the file and into its steps."""
    return f"""{HEAD}
{top}

class ShapeFlow(FlowSpec):
    @step
    def start(self):
        {start}
        self.items = [0, 1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        {work}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = [getattr(task, "value", None) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        {end}

if __name__ == "__main__":
    ShapeFlow()
"""


@pytest.fixture
def shape(cli: Cli) -> Callable[..., Cli]:
    """Deploys a flow made of the given texts."""

    def make(top: str = "", **steps: str) -> Cli:
        (cli.folder / "shape_flow.py").write_text(_flow(top, **steps))
        cli.ok("create", "shape_flow.py")
        return cli

    return make


def _values(cli: Cli) -> list[object]:
    run = cli.ok("trigger", "ShapeFlow", "--wait").out.strip()
    found: list[object] = cli.python(
        f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        print(json.dumps(Run("ShapeFlow/{run}").data.values))
        """
    )
    return found


@pytest.mark.parametrize(
    ("top", "draw"),
    [
        ("", "random.random()"),
        ("RNG = random.Random()", "RNG.random()"),
        ("import tempfile; FOLDER = tempfile.mkdtemp()", "random.random()"),
    ],
)
def test_tasks_draw_random_numbers_of_their_own(
    shape: Callable[..., Cli], top: str, draw: str
) -> None:
    assert len(set(map(str, _values(shape(top, work=f"self.value = {draw}"))))) == 3


def test_a_seed_of_the_file_is_kept(shape: Callable[..., Cli]) -> None:
    import random

    first = random.Random(42).random()
    assert _values(shape("random.seed(42)", work="self.value = random.random()")) == [first] * 3


def test_threads_of_the_file_are_there_in_each_task(shape: Callable[..., Cli]) -> None:
    top = "POOL = ThreadPoolExecutor(2)\nPOOL.submit(abs, -1).result()"
    work = "self.value = POOL.submit(abs, -self.input).result(timeout=20)"
    cli = shape(top, work=work)
    assert _values(cli) == [0, 1, 2]
    logs = list((cli.folder / ".sfnflow").glob("runs/*/warm-*.log"))
    assert "it has started threads" in logs[0].read_text()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("os._exit(0)", "ended with exit code 0 before its task was done"),
        ("os._exit(7)", "Exit code 7"),
        ("sys.exit(0)", "ended with exit code 0 before its task was done"),
        ("sys.exit('no config')", "no config"),
        ("sys.exit(200)", "Exit code 200"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("os.kill(os.getpid(), 11)", "Killed by signal 11"),
    ],
)
def test_a_task_that_leaves_early_fails_and_says_how(
    shape: Callable[..., Cli], last: str, said: str
) -> None:
    failed = shape(end=last)("trigger", "ShapeFlow", "--wait")
    assert failed.code == 1
    assert "step end, task" in failed.err
    assert said in failed.err


def test_a_task_cannot_change_the_snapshot(shape: Callable[..., Cli], cli: Cli) -> None:
    (cli.folder / "helper.py").write_text("WORD = 'packaged'\n")
    start = "open('helper.py', 'a').write('WORD = 1')"
    shape(start=start, end="import helper; print(helper.WORD)")
    for _ in range(2):
        run = cli.ok("trigger", "ShapeFlow", "--wait").out.strip()
        assert cli.ok("logs", run, "end").out.split()[-1] == "packaged"


def test_a_spoilt_snapshot_is_mended_by_the_next_create(shape: Callable[..., Cli]) -> None:
    cli = shape(start="open(os.path.join(os.path.dirname(__file__), 'new.py'), 'w').write('x')")
    package = next((cli.folder / ".sfnflow" / "code").iterdir())
    flow = package / "shape_flow.py"
    flow.write_text(flow.read_text() + "# spoilt")
    assert cli.ok("create", "shape_flow.py", "--json").json["changes"] == ["code repaired"]
    assert "# spoilt" not in flow.read_text()


@pytest.mark.parametrize("start", ["sleep 300 &", "setsid sleep 300 &", "yes &"])
def test_what_a_task_leaves_behind_ends_with_the_run(
    shape: Callable[..., Cli], cli: Cli, start: str
) -> None:
    marker = f"SFNFLOW_TEST_{os.getpid()}_{time.monotonic_ns()}"
    shape(start=f"os.environ['{marker}'] = '1'; os.system('{start}')")
    cli.ok("trigger", "ShapeFlow", "--wait", timeout=60)
    _wait_until(lambda: not _holds(marker))


def test_what_a_task_has_started_ends_with_it(shape: Callable[..., Cli], cli: Cli) -> None:
    """As in a container: while the run still goes on."""
    marker = f"SFNFLOW_TEST_{os.getpid()}_{time.monotonic_ns()}"
    go = cli.folder / "go"
    shape(
        start=f"os.environ['{marker}'] = '1'; os.system('sleep 300 &'); "
        f"open('{cli.folder}/there', 'w').close()",
        work=f"while not os.path.exists('{go}'): time.sleep(0.05)",
    )
    run = cli.ok("trigger", "ShapeFlow").out.strip()
    _wait_until((cli.folder / "there").exists)
    _wait_until(lambda: not _holds(marker))
    assert cli.ok("status", run, "--json").json["run"]["status"] == "RUNNING"
    go.touch()
    cli.ok("logs", run)


@pytest.mark.parametrize("killed", ["engine", "engine and warmed process"])
def test_a_daemon_of_a_task_does_not_keep_a_killed_run_alive(
    shape: Callable[..., Cli], cli: Cli, killed: str
) -> None:
    marker = f"SFNFLOW_TEST_{os.getpid()}_{time.monotonic_ns()}"
    shape(
        start=f"os.environ['{marker}'] = '1'; os.system('setsid sleep 300 &'); "
        f"open('{cli.folder}/warm', 'w').write(str(os.getppid())); time.sleep(300)"
    )
    run = cli.ok("trigger", "ShapeFlow").out.strip()
    warm = cli.folder / "warm"
    _wait_until(lambda: warm.exists() and warm.read_text() != "" and _holds(marker) != [])
    home = cli.folder / ".sfnflow" / "runs" / run.removeprefix("sfn-")
    os.kill(int((home / "lock").read_text()), signal.SIGKILL)
    if killed != "engine":
        os.kill(int(warm.read_text()), signal.SIGKILL)
    try:
        _wait_until(lambda: "INTERRUPTED" in cli.ok("status", run, "--no-watch").out)
        assert killed != "engine" or _holds(marker) == []
    finally:
        for pid in _holds(marker):
            os.kill(pid, signal.SIGKILL)


def test_stop_ends_what_tasks_have_started(shape: Callable[..., Cli], cli: Cli) -> None:
    marker = f"SFNFLOW_TEST_{os.getpid()}_{time.monotonic_ns()}"
    shape(work=f"os.environ['{marker}'] = '1'; os.system('setsid sleep 300 & sleep 300')")
    run = cli.ok("trigger", "ShapeFlow").out.strip()
    _wait_until(lambda: len(_holds(marker)) >= 6)
    cli.ok("stop", run)
    assert _holds(marker) == []


@pytest.mark.parametrize("killed", ["task", "all"])
def test_a_task_killed_between_its_end_and_its_word_is_not_run_again(
    shape: Callable[..., Cli], cli: Cli, killed: str
) -> None:
    """Metaflow has the task as done, nobody else knows: what it lacks is the hand-over."""
    top = f"""
import signal
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

KILLED = "{cli.folder}/killed"
register = LocalMetadataProvider.register_data_artifacts

def register_or_die(self, run_id, step_name, *args, **kwargs):
    '''Metaflow calls it right after it has marked the task as done.'''
    if step_name == "work" and not os.path.exists(KILLED):
        open(KILLED, "w").close()
        if "{killed}" == "all":
            run = os.environ["SFNFLOW_DONE_FILE"].removesuffix("done")
            os.kill(int(open(run + "lock").read()), signal.SIGKILL)
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    register(self, run_id, step_name, *args, **kwargs)

LocalMetadataProvider.register_data_artifacts = register_or_die
"""
    trace = cli.folder / "trace"
    work = f"open('{trace}', 'a').write(f'{{self.input}}\\n'); self.value = self.input"
    shape(top, work=work)
    # One at a time: no other task is under way when all is killed.
    run = cli("trigger", "ShapeFlow", "--wait", SFNFLOW_LOCAL_SLOTS="1").out.strip()
    if killed == "all":
        assert cli.ok("status", run, "--json").json["run"]["status"] == "INTERRUPTED"
        cli.ok("redrive", run, "--wait")
    assert cli.ok("status", run, "--json").json["run"]["status"] == "SUCCEEDED"
    assert (cli.folder / "killed").exists()
    assert sorted(trace.read_text().split()) == ["0", "1", "2"]
    assert _all_artifacts(cli, run)
    assert not list((cli.folder / ".sfnflow").glob("runs/*/work/*"))


def test_a_failure_of_the_moment_is_forgotten_after_a_redrive(
    shape: Callable[..., Cli], cli: Cli
) -> None:
    flag = cli.folder / "mended"
    shape(work=f"assert os.path.exists('{flag}'), 'not yet'")
    run = cli("trigger", "ShapeFlow", "--wait").out.strip()
    before = cli.ok("status", run, "--json").json
    assert before["failure"]["log"][-1] == "AssertionError: not yet"
    flag.touch()
    cli.ok("redrive", run, "--wait")
    after = cli.ok("status", run, "--json").json
    assert after["run"]["status"] == "SUCCEEDED"
    assert after["failed_tasks"] == []
    assert [step["failed"] + step["terminated"] for step in after["steps"]] == [0, 0, 0, 0]
    assert "HandoffError" not in cli.ok("logs", run).err


def _wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def _all_artifacts(cli: Cli, run: str) -> bool:
    """Whether the Client API has every task of `work` as successful, with its artifact."""
    found: list[object] = cli.python(
        f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        tasks = list(Run("ShapeFlow/{run}")["work"])
        print(json.dumps([t.data.value for t in tasks if t.successful and t.finished]))
        """
    )
    return sorted(map(str, found)) == ["0", "1", "2"]


def _holds(marker: str) -> list[int]:
    """The processes that were started with the marker in their environment, zombies left out."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:  # it has just ended
            continue
    return found
