"""What tests share: the CLI as a user runs it, in a folder of the test's own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on stdout."""
        return json.loads(self.out)


class Cli:
    """Runs `sfnflow` in a process, in `folder`, with an environment free of the developer's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW", "SFNFLOW"))}
        self.env = {**kept, "METAFLOW_HOME": str(folder / "no-config"), "NO_COLOR": "1"}

    def __call__(self, *args: str, timeout: float = 120, stdin: str = "", **env: str) -> Result:
        """Runs one command to its end, whatever its exit code."""
        process = subprocess.run(
            [sys.executable, "-m", "sfnflow", *args],
            cwd=self.folder,
            env={**self.env, **env},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Result(process.returncode, process.stdout, process.stderr)

    def ok(self, *args: str, timeout: float = 120, **env: str) -> Result:
        """Runs a command that has to succeed."""
        result = self(*args, timeout=timeout, **env)
        assert result.code == 0, f"{args}: exit {result.code}\n{result.out}\n{result.err}"
        return result

    def create_and_run(self, flow: str, *parameters: str, timeout: float = 120) -> str:
        """Deploys a file of the folder, runs it to success, returns the run's id."""
        name = self.ok("create", flow, "--json").json["name"]
        given = [part for p in parameters for part in ("-p", p)]
        return self.ok("trigger", name, *given, "--wait", timeout=timeout).out.strip()

    def python(self, code: str) -> Any:
        """Runs Python in a plain session beside the runs, and returns the JSON it prints last."""
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=self.folder,
            env={**self.env, "METAFLOW_USER": "tester"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout.splitlines()[-1])


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The CLI in an empty folder; no run outlives the test, even one that fails."""
    yield Cli(tmp_path)
    for lock in tmp_path.glob("**/.sfnflow/runs/*/lock"):
        pid = lock.read_text()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file into the folder that the CLI runs in."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write_file


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], str]:
    """Copies an example into the folder that the CLI runs in, and returns its name."""

    def copy(name: str) -> str:
        shutil.copy(EXAMPLES / name, tmp_path / name)
        return name

    return copy
