"""What the local target enforces: max workers, retries, timeouts, fail-fast, environments."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

OVERLAP_FLOW = """
    import glob, time
    from metaflow import FlowSpec, Parameter, step

    class OverlapFlow(FlowSpec):
        folder = Parameter("folder", required=True)
        together = Parameter("together", required=True, type=int)

        @step
        def start(self):
            self.items = list(range(9))
            self.next(self.work, foreach="items")

        @step
        def work(self):
            self.began = time.time()
            open(f"{self.folder}/began-{self.input}", "w").close()
            while len(glob.glob(f"{self.folder}/began-*")) < self.together:
                time.sleep(0.02)
            time.sleep(0.1)
            self.ended = time.time()
            self.next(self.join)

        @step
        def join(self, inputs):
            moments = [(t.began, 1) for t in inputs] + [(t.ended, -1) for t in inputs]
            running, self.peak = 0, 0
            for _, change in sorted(moments):
                running += change
                self.peak = max(self.peak, running)
            self.next(self.end)

        @step
        def end(self):
            print(self.peak)

    if __name__ == "__main__":
        OverlapFlow()
"""


@pytest.mark.parametrize(
    ("workers", "slots", "peak"), [("3", "16", "3"), ("1", "16", "1"), ("100", "2", "2")]
)
def test_max_workers_and_slots_bound_what_runs(
    cli: Cli, write: Callable[[str, str], Path], workers: str, slots: str, peak: str
) -> None:
    write("overlap_flow.py", OVERLAP_FLOW)
    cli.ok("create", "overlap_flow.py", "--max-workers", workers)
    # The first tasks wait for each other: fewer at once than allowed would never end.
    given = ("-p", f"folder={cli.folder}", "-p", f"together={peak}")
    run = cli.ok("trigger", "OverlapFlow", *given, "--wait", SFNFLOW_LOCAL_SLOTS=slots).out.strip()
    assert cli.ok("logs", run, "end").out.split()[-1] == peak


def test_a_failure_ends_the_siblings_at_once(cli: Cli, write: Callable[[str, str], Path]) -> None:
    write(
        "fast_flow.py",
        """
        import time
        from metaflow import FlowSpec, step

        class FastFlow(FlowSpec):
            @step
            def start(self):
                self.items = [0, 1, 2, 3]
                self.next(self.work, foreach="items")

            @step
            def work(self):
                if self.input == 2:
                    raise RuntimeError("item two is bad")
                time.sleep(600)
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            FastFlow()
        """,
    )
    cli.ok("create", "fast_flow.py")
    failed = cli("trigger", "FastFlow", "--wait", "--json", timeout=60)
    assert failed.code == 1
    assert failed.json["failure"]["task"]["path"] == "2"
    assert "RuntimeError: item two is bad" in failed.json["failure"]["log"]
    ended = [task for task in failed.json["failed_tasks"] if task["terminated"]]
    assert len(ended) == 3
    shown = cli.ok("status", failed.json["run"]["id"]).out
    assert "step work[2], task" in shown


def test_timeout_is_a_clean_failure_retried_and_caught(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    write(
        "late_flow.py",
        """
        import time
        from metaflow import FlowSpec, catch, current, retry, step, timeout

        class LateFlow(FlowSpec):
            @catch(var="problem")
            @retry(times=1, minutes_between_retries=0)
            @timeout(seconds=1)
            @step
            def start(self):
                self.attempt = current.retry_count
                time.sleep(60)
                self.next(self.end)

            @timeout(seconds=1)
            @step
            def end(self):
                print("caught", self.problem is not None)
                time.sleep(60)

        if __name__ == "__main__":
            LateFlow()
        """,
    )
    cli.ok("create", "late_flow.py")
    failed = cli("trigger", "LateFlow", "--wait", "--json")
    assert failed.code == 1
    run = failed.json["run"]["id"]
    assert failed.json["failure"]["task"]["step"] == "end"
    assert any(
        "timed out after 0 hours, 0 minutes, 1 seconds" in line
        for line in failed.json["failure"]["log"] + cli.ok("logs", run, "end").err.splitlines()
    )
    assert "caught True" in cli.ok("logs", run, "end").out
    assert [step["caught"] for step in failed.json["steps"]] == [1, 0]
    assert "done, 1 caught" in cli.ok("status", run).out


def test_workflow_timeout(cli: Cli, write: Callable[[str, str], Path]) -> None:
    write(
        "long_flow.py",
        """
        import time
        from metaflow import FlowSpec, step

        class LongFlow(FlowSpec):
            @step
            def start(self):
                time.sleep(600)
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            LongFlow()
        """,
    )
    cli.ok("create", "long_flow.py", "--workflow-timeout", "2")
    late = cli("trigger", "LongFlow", "--wait", "--json", timeout=60)
    assert late.code == 1
    assert late.json["run"]["status"] == "TIMED_OUT"
    shown = cli.ok("status", late.json["run"]["id"]).out
    assert "longer than its 2 seconds" in shown


def test_environment_is_set_before_the_flow_is_imported(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    write(
        "mode_flow.py",
        """
        import os
        from metaflow import FlowSpec, environment, step

        MODE = os.environ.get("MODE", "unset")

        class ModeFlow(FlowSpec):
            @step
            def start(self):
                self.first = MODE
                self.next(self.end)

            @environment(vars={"MODE": "$(date)"})
            @step
            def end(self):
                print(self.first, MODE)

        if __name__ == "__main__":
            ModeFlow()
        """,
    )
    run = cli.create_and_run("mode_flow.py")
    assert "unset $(date)" in cli.ok("logs", run, "end").out


def test_a_job_cannot_change_the_snapshot_and_sees_its_files(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    write(
        "files_flow.py",
        """
        from pathlib import Path
        from metaflow import FlowSpec, step

        class FilesFlow(FlowSpec):
            @step
            def start(self):
                self.table = Path("table.csv").read_text()
                Path("made.txt").write_text("by start")
                self.next(self.end)

            @step
            def end(self):
                print(self.table.strip(), Path("made.txt").exists())

        if __name__ == "__main__":
            FilesFlow()
        """,
    )
    write("table.csv", "a,b\n")
    cli.ok("create", "files_flow.py", "--package-suffixes", ".py,.csv")
    run = cli.ok("trigger", "FilesFlow", "--wait").out.strip()
    assert cli.ok("logs", run, "end").out.rstrip().endswith("a,b False")
    assert (
        cli.ok("create", "files_flow.py", "--package-suffixes", ".py,.csv", "--json").json[
            "changes"
        ]
        == []
    )


def test_a_run_outlives_the_command_and_logs_follow_it(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    write(
        "talk_flow.py",
        f"""
        import os, sys, time
        from metaflow import FlowSpec, step

        class TalkFlow(FlowSpec):
            @step
            def start(self):
                print("before", flush=True)
                while not os.path.exists("{cli.folder}/go"):
                    time.sleep(0.05)
                print("after")
                print("to stderr", file=sys.stderr)
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            TalkFlow()
        """,
    )
    cli.ok("create", "talk_flow.py")
    run = cli.ok("trigger", "TalkFlow").out.strip()
    following = subprocess.Popen(
        [sys.executable, "-m", "sfnflow", "logs", run],
        cwd=cli.folder,
        env=cli.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    assert following.stdout.readline().split()[-1] == "before"
    assert cli.ok("status", run, "--json").json["run"]["status"] == "RUNNING"
    (cli.folder / "go").touch()
    out, err = following.communicate(timeout=60)
    assert [line.split()[-1] for line in out.splitlines()] == ["after"]
    assert "to stderr" in err
    tail = cli.ok("logs", f"{run}/start", "--tail", "1", "--json").out.splitlines()
    assert json.loads(tail[0])["stream"] == "stderr"


def test_empty_foreach_fails_as_metaflow_says_it(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    write(
        "empty_flow.py",
        """
        from metaflow import FlowSpec, step

        class EmptyFlow(FlowSpec):
            @step
            def start(self):
                self.items = []
                self.next(self.work, foreach="items")

            @step
            def work(self):
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            EmptyFlow()
        """,
    )
    cli.ok("create", "empty_flow.py")
    failed = cli("trigger", "EmptyFlow", "--wait")
    assert failed.code == 1
    assert "Foreach iterator over *items* in step *start* produced zero splits" in failed.err


def test_a_task_ends_like_a_python_process(cli: Cli, write: Callable[[str, str], Path]) -> None:
    write(
        "exit_flow.py",
        f"""
        import atexit, os, tempfile, threading, time
        from metaflow import FlowSpec, step

        SHARED = tempfile.TemporaryDirectory()
        atexit.register(lambda: print("handler of the file"))

        class ExitFlow(FlowSpec):
            @step
            def start(self):
                atexit.register(lambda: print("handler of the step"))
                threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
                global file
                file = open("{cli.folder}/unflushed", "w")
                file.write("13 bytes here")
                self.next(self.end)

            @step
            def end(self):
                print("shared folder", os.path.isdir(SHARED.name))

        if __name__ == "__main__":
            ExitFlow()
        """,
    )
    run = cli.create_and_run("exit_flow.py")
    lines = [line.split("  ")[1] for line in cli.ok("logs", run).out.splitlines()]
    assert lines == [
        "thread",
        "handler of the step",
        "handler of the file",
        "shared folder True",
        "handler of the file",
    ]
    assert (cli.folder / "unflushed").read_text() == "13 bytes here"


def test_a_file_that_was_not_packaged_is_named(cli: Cli, write: Callable[[str, str], Path]) -> None:
    write(
        "data_flow.py",
        """
        from metaflow import FlowSpec, step

        class DataFlow(FlowSpec):
            @step
            def start(self):
                open("data.csv")
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            DataFlow()
        """,
    )
    write("data.csv", "a,b\n")
    cli.ok("create", "data_flow.py")
    failed = cli("trigger", "DataFlow", "--wait")
    said = (
        "data.csv is not in the snapshot: sfnflow create data_flow.py --package-suffixes .py,.csv"
    )
    assert said in failed.err
    cli.ok("create", "data_flow.py", "--package-suffixes", ".py,.csv")
    cli.ok("trigger", "DataFlow", "--wait")
