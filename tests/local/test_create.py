"""create: a snapshot, idempotent, without side effects where it says so, and never half done."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

FLOW = """
    from metaflow import FlowSpec, step
    from helper import WORD

    class SnapFlow(FlowSpec):
        @step
        def start(self):
            self.word = WORD
            self.next(self.end)

        @step
        def end(self):
            print("the word is", self.word)

    if __name__ == "__main__":
        SnapFlow()
"""


@pytest.fixture
def snap(cli: Cli, write: Callable[[str, str], Path]) -> Cli:
    write("snap_flow.py", FLOW)
    write("helper.py", "WORD = 'first'\n")
    return cli


def _word(cli: Cli) -> str:
    run = cli.ok("trigger", "SnapFlow", "--wait").out.strip()
    return cli.ok("logs", run, "end").out.rsplit(maxsplit=1)[-1]


@pytest.mark.parametrize("options", [["--only-json"], ["--dry-run"], ["--dry-run", "--json"]])
def test_dry_runs_leave_nothing_behind(snap: Cli, options: list[str]) -> None:
    before = _tree(snap.folder)
    result = snap.ok("create", "snap_flow.py", *options)
    assert _tree(snap.folder) == before
    assert snap("trigger", "SnapFlow").code == 2
    if options == ["--only-json"]:
        assert json.loads(result.out)["StartAt"] == "start"
        assert result.err == ""


def test_only_json_is_what_create_deploys(snap: Cli) -> None:
    first = snap.ok("create", "snap_flow.py", "--only-json").out
    snap.ok("create", "snap_flow.py")
    assert snap.ok("create", "snap_flow.py", "--only-json").out == first


def test_a_create_is_a_snapshot(snap: Cli) -> None:
    snap.ok("create", "snap_flow.py")
    (snap.folder / "helper.py").write_text("WORD = 'second'\n")
    assert _word(snap) == "first"
    assert "SnapFlow version 2 is live: code changed." in snap.ok("create", "snap_flow.py").out
    assert _word(snap) == "second"
    (snap.folder / "helper.py").unlink()
    (snap.folder / "snap_flow.py").unlink()
    assert _word(snap) == "second"


def test_creating_the_same_again_is_no_change(snap: Cli) -> None:
    snap.ok("create", "snap_flow.py")
    again = snap.ok("create", "snap_flow.py")
    assert "SnapFlow: no change, version 1 stays live." in again.out
    assert snap.ok("create", "snap_flow.py", "--json").json["changes"] == []
    settings = snap.ok("create", "snap_flow.py", "--workflow-timeout", "60", "--json").json
    assert settings["version"] == 2
    assert settings["changes"] == ["settings changed"]


def test_a_dry_run_says_what_would_change(snap: Cli) -> None:
    snap.ok("create", "snap_flow.py")
    flow = snap.folder / "snap_flow.py"
    text = flow.read_text()
    flow.write_text(
        text.replace("self.next(self.end)", "self.next(self.middle)").replace(
            "    @step\n    def end",
            "    @step\n    def middle(self):\n        self.next(self.end)\n\n    @step\n    def end",
        )
    )
    planned = snap.ok("create", "snap_flow.py", "--dry-run", "--json").json
    assert planned["changes"] == ["step middle added", "code changed"]
    assert planned["version"] == 1


def test_two_creates_at_the_same_moment(snap: Cli) -> None:
    """Both succeed, each with a version of its own or none, and what is live works."""
    command = [sys.executable, "-m", "sfnflow", "create", "snap_flow.py", "--json", "--tag"]
    creates = [
        subprocess.Popen(
            [*command, tag],
            cwd=snap.folder,
            env=snap.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for tag in ("a", "b", "c")
    ]
    versions = []
    for create in creates:
        out, err = create.communicate(timeout=60)
        assert create.returncode == 0, err
        versions.append(json.loads(out)["version"])
    assert max(versions) == 3
    assert _word(snap) == "first"


def test_a_full_disk_leaves_the_old_version_live(snap: Cli) -> None:
    snap.ok("create", "snap_flow.py")
    (snap.folder / "helper.py").write_text("WORD = 'second'\n" + "# filling\n" * 10_000)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    failed = subprocess.run(
        [sys.executable, "-m", "sfnflow", "create", "snap_flow.py"],
        cwd=snap.folder,
        env=snap.env,
        capture_output=True,
        text=True,
        preexec_fn=no_room,
    )
    assert failed.returncode == 1
    assert "cannot read or write its state" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert _word(snap) == "first"
    assert [p for p in (snap.folder / ".sfnflow" / "code").iterdir() if p.name[0] == "."] == []
    assert "version 2 is live" in snap.ok("create", "snap_flow.py").out


def test_a_folder_that_cannot_be_written(snap: Cli) -> None:
    failed = snap("create", "snap_flow.py", SFNFLOW_HOME="/proc/nowhere")
    assert failed.code == 1
    assert "The local target cannot read or write its state in /proc/nowhere/.sfnflow" in failed.err
    assert "SFNFLOW_HOME" in failed.err
    assert "Traceback" not in failed.err


def test_with_and_tags_reach_the_tasks(cli: Cli, write: Callable[[str, str], Path]) -> None:
    write(
        "flaky_flow.py",
        """
        from metaflow import FlowSpec, current, retry, step

        class FlakyFlow(FlowSpec):
            @step
            def start(self):
                if current.retry_count < 2:
                    raise ValueError("not yet")
                self.attempt = current.retry_count
                self.next(self.end)

            @retry(times=0)
            @step
            def end(self):
                raise ValueError("never")

        if __name__ == "__main__":
            FlakyFlow()
        """,
    )
    with_retry = ("--with", "retry:times=3,minutes_between_retries=0")
    cli.ok("create", "flaky_flow.py", *with_retry, "--tag", "k:v")
    failed = cli("trigger", "FlakyFlow", "--wait", "--json")
    assert failed.code == 1
    tasks = {t["step"]: t for t in failed.json["failed_tasks"]}
    assert tasks["end"]["attempt"] == 1
    start = next(s for s in failed.json["steps"] if s["step"] == "start")
    assert (start["done"], start["retried"]) == (1, 1)
    run = failed.json["run"]["id"]
    found = cli.python(
        f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        run = Run("FlakyFlow/{run}")
        print(json.dumps([sorted(run.user_tags), run["start"].task.data.attempt]))
        """
    )
    assert found == [["k:v"], 2]
    logs = cli.ok("logs", run, "start").err
    assert logs.count("ValueError: not yet") == 2


def _tree(folder: Path) -> dict[str, float]:
    return {
        os.path.join(path, name): os.stat(os.path.join(path, name)).st_size
        for path, _, names in os.walk(folder)
        for name in names
        if "__pycache__" not in path
    }
