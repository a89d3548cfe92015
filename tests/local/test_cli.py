"""The surface: help, exit codes, where output goes, did-you-mean, prompts, documents."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Cli

COMMANDS = [
    "create",
    "trigger",
    "runs",
    "status",
    "logs",
    "stop",
    "redrive",
    "resume",
    "show",
    "delete",
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A folder with ForeachFlow deployed and run once."""
    import shutil

    folder = tmp_path_factory.mktemp("live")
    shutil.copy(ROOT / "examples" / "foreach_flow.py", folder)
    cli = Cli(folder)
    cli.create_and_run("foreach_flow.py")
    return cli


def test_help_and_readme_name_every_command(cli: Cli) -> None:
    shown = cli.ok("--help").out
    readme = (ROOT / "README.md").read_text()
    listed = re.findall(r"^  ([a-z]+)  ", shown, re.M)
    assert listed == COMMANDS
    for command in COMMANDS:
        assert f"`sfnflow {command}" in readme
        assert cli.ok(command, "--help").out.startswith(f"Usage: sfnflow {command}")


def test_no_arguments_show_help(cli: Cli) -> None:
    shown = cli.ok()
    assert shown.out == cli.ok("--help").out


def test_version(cli: Cli) -> None:
    from sfnflow import __version__

    assert cli.ok("--version").out.strip() == __version__


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["trigger", "ForeechFlow"], 2, "Did you mean ForeachFlow?"),
        (["trigger", "Other"], 2, "Deployed: ForeachFlow."),
        (["runs", "Other"], 2, "There is no flow Other"),
        (["status", "sfn-nope"], 2, "There is no run sfn-nope"),
        (["logs", "nope"], 2, "There is no run nope"),
        (["stop", "nope"], 2, "There is no run nope"),
        (["resume", "--origin-run-id", "nope"], 2, "There is no run nope"),
        (["resume"], 2, "--origin-run-id"),
        (["create", "foreach_flow.py", "--max-workers", "0"], 2, "--max-workers"),
        (["create", "foreach_flow.py", "--max-workers", "many"], 2, "--max-workers"),
        (["create", "foreach_flow.py", "--workflow-timeout", "-1"], 2, "--workflow-timeout"),
        (["create", "foreach_flow.py", "--config", "nothing"], 2, "--config takes NAME=VALUE"),
        (["create", "foreach_flw.py"], 2, "Did you mean foreach_flow.py?"),
        (["frobnicate"], 2, "frobnicate"),
        (["trigger", "ForeachFlow", "count=3"], 2, "Parameters are given as -p NAME=VALUE"),
        (["delete", "ForeachFlow"], 2, "Give --yes."),
        (["trigger", "ForeachFlow", "--parameters-file", "none.json"], 2, "none.json"),
    ],
)
def test_errors_say_what_and_what_next(live: Cli, args: list[str], code: int, said: str) -> None:
    result = live(*args)
    assert result.code == code
    assert said in result.err
    assert result.err.startswith("Error: ")
    assert "Traceback" not in result.err
    assert result.out == ""


def test_run_ids_may_be_cut_short(live: Cli) -> None:
    run = live.ok("runs", "ForeachFlow", "--json").json["runs"][0]["id"]
    for short in (run[:12], run.removeprefix("sfn-")[:8], run):
        assert live.ok("status", short, "--json").json["run"]["id"] == run
    step = live("logs", run, "sqare")
    assert step.code == 2
    assert "Did you mean square?" in step.err


def test_an_ambiguous_beginning_lists_the_runs(live: Cli) -> None:
    live.ok("trigger", "ForeachFlow", "--wait")
    result = live("status", "sfn-")
    assert result.code == 2
    assert "is the beginning of more than one run" in result.err
    assert result.err.count("ForeachFlow  SUCCEEDED") >= 2


def test_trigger_prints_the_id_alone_on_stdout(live: Cli) -> None:
    result = live.ok("trigger", "ForeachFlow")
    assert re.fullmatch(r"sfn-[0-9a-f-]{36}\n", result.out)
    assert f"sfnflow status {result.out.strip()}" in result.err
    live.ok("logs", result.out.strip())


def test_documents_have_a_schema(live: Cli) -> None:
    run = live.ok("runs", "ForeachFlow", "--json").json["runs"][0]["id"]
    documents = [
        live.ok("create", "foreach_flow.py", "--json").json,
        live.ok("runs", "ForeachFlow", "--json").json,
        live.ok("status", run, "--json").json,
        live.ok("show", "foreach_flow.py", "--json").json,
        json.loads(live.ok("logs", run, "end", "--json").out.splitlines()[0]),
    ]
    assert [document["schema"] for document in documents] == [1] * 5


def test_logs_of_a_task_of_a_tail_and_of_the_newest_run(live: Cli) -> None:
    run = live.ok("runs", "ForeachFlow", "--json").json["runs"][0]["id"]
    line = live.ok("logs", run, "end").out
    task = line.split("/")[1].split()[0]
    assert live.ok("logs", run, "--task", task).out == line
    assert live.ok("logs", "ForeachFlow", "--tail", "1").out == line
    unknown = live("logs", run, "--task", "zz")
    assert (unknown.code, unknown.out) == (2, "")
    assert "has no task zz" in unknown.err
    assert run in live.ok("status", "ForeachFlow").out
    assert f"Its newest run is {run}" in live("stop", "ForeachFlow").err


def test_show_draws_the_graph(live: Cli) -> None:
    shown = live.ok("show", "foreach_flow.py").out
    assert "start foreach numbers" in shown
    assert "square" in shown
    assert "parameter count (int, default 10)" in shown


def test_no_colour_where_there_is_no_terminal(live: Cli) -> None:
    assert "\x1b[" not in live.ok("show", "foreach_flow.py", NO_COLOR="").out


def test_a_reader_that_leaves_is_no_error(live: Cli) -> None:
    piped = subprocess.run(
        [
            "bash",
            "-c",
            f"set -o pipefail; {sys.executable} -m sfnflow show foreach_flow.py --json | head -1",
        ],
        cwd=live.folder,
        env=live.env,
        capture_output=True,
        text=True,
    )
    assert piped.stdout == "{\n"
    assert piped.stderr == ""
    assert piped.returncode == 0


def test_delete_asks_says_what_stays_and_keeps_it(cli: Cli, example: Callable[[str], str]) -> None:
    example("branch_flow.py")
    run = cli.create_and_run("branch_flow.py")
    deleted = cli.ok("delete", "BranchFlow", "--yes")
    assert "Its runs, artifacts, logs and code packages stay" in deleted.err
    assert cli("trigger", "BranchFlow").code == 2
    assert cli.ok("status", run, "--json").json["run"]["status"] == "SUCCEEDED"
    again = cli.ok("create", "branch_flow.py", "--json").json
    assert again["version"] == 2


def test_delete_refuses_while_a_run_is_under_way(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    run = _start_waiting(cli, write)
    refused = cli("delete", "WaitFlow", "--yes")
    assert refused.code == 1
    assert f"sfnflow stop {run}" in refused.err
    cli.ok("stop", run)
    cli.ok("delete", "WaitFlow", "--yes")


def test_ctrl_c_leaves_the_run_going(cli: Cli, write: Callable[[str, str], Path]) -> None:
    run = _start_waiting(cli, write)
    watcher = subprocess.Popen(
        [sys.executable, "-m", "sfnflow", "status", run, "--watch"],
        cwd=cli.folder,
        env=cli.env,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert watcher.stderr is not None
    assert b"start: 0 of 1 tasks done" in watcher.stderr.readline()
    watcher.send_signal(signal.SIGINT)
    _, said = watcher.communicate(timeout=20)
    assert watcher.returncode == 130
    assert f"{run} goes on: sfnflow status {run}" in said.decode()
    assert b"Interrupted." in said
    assert cli.ok("status", run, "--json").json["run"]["status"] == "RUNNING"
    timed_out = cli("trigger", "WaitFlow", "--wait", "--timeout", "1")
    assert timed_out.code == 1
    assert "is not over after 1 seconds; it goes on." in timed_out.err
    for left in cli.ok("runs", "WaitFlow", "--json").json["runs"]:
        cli.ok("stop", left["id"])


def test_on_a_terminal_status_is_live_and_in_colour(
    cli: Cli, write: Callable[[str, str], Path]
) -> None:
    run = _start_waiting(cli, write)
    controller, terminal = pty.openpty()
    environment = {k: v for k, v in cli.env.items() if k != "NO_COLOR"}
    status = subprocess.Popen(
        [sys.executable, "-m", "sfnflow", "status", run],
        cwd=cli.folder,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = _read_until(controller, "1 running")
    (cli.folder / "go").touch()
    shown += _read_until(controller, None)
    assert status.wait(timeout=30) == 0
    assert "SUCCEEDED" in shown
    assert "\x1b[" in shown


def _start_waiting(cli: Cli, write: Callable[[str, str], Path]) -> str:
    write(
        "wait_flow.py",
        f"""
        import os, time
        from metaflow import FlowSpec, step

        class WaitFlow(FlowSpec):
            @step
            def start(self):
                while not os.path.exists("{cli.folder}/go"):
                    time.sleep(0.05)
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            WaitFlow()
        """,
    )
    cli.ok("create", "wait_flow.py")
    return cli.ok("trigger", "WaitFlow").out.strip()


def _read_until(controller: int, text: str | None) -> str:
    """What is shown up to `text`, or to the end."""
    shown = ""
    while text is None or text not in shown:
        try:
            chunk = os.read(controller, 4096)
        except OSError:  # the other side has closed its terminal
            assert text is None, shown
            break
        shown += chunk.decode(errors="replace")
    return shown
