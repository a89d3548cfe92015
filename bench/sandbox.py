"""A folder that holds all state of a bench, and the commands that are run in it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PYTHON = sys.executable
SFNFLOW = str(Path(sys.executable).parent / "sfnflow")


class BenchError(Exception):
    """A command that is measured has failed: there is nothing to measure."""


class Finished(NamedTuple):
    """A command that has succeeded. `cpu` is user and system time, its children's included."""

    cpu: float
    out: str


class Sandbox(NamedTuple):
    """A temporary folder and an environment free of the developer's own settings."""

    folder: Path
    env: Mapping[str, str]

    def run(self, *command: str, **env: str) -> Finished:
        """Runs a command to its end. BenchError, with its last words, when it fails."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            # Of wait4 rather than of RUSAGE_CHILDREN: nothing else that we started is in it.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise BenchError(
                    f"{_shown(command)}: {_last_words(process.returncode, _text(err))}"
                )
            return Finished(usage.ru_utime + usage.ru_stime, _text(out))

    def sfnflow_json(self, *arguments: str, **env: str) -> Any:
        """What a command of ours prints with --json."""
        return json.loads(self.run(SFNFLOW, *arguments, "--json", **env).out)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A new sandbox, removed at the end with all that was run in it."""
    with tempfile.TemporaryDirectory(prefix="sfnflow-bench-") as name:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("METAFLOW", "SFNFLOW"))}
        # The roots are named: a stray .metaflow further up must not become ours.
        env = {
            **kept,
            "METAFLOW_HOME": f"{name}/no-config",
            "METAFLOW_USER": "bench",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": name,
            "SFNFLOW_HOME": name,
            "NO_COLOR": "1",
        }
        yield Sandbox(Path(name), env)


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


def _shown(command: Sequence[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])


def _last_words(code: int, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # Our own errors begin with what is wrong, others' end with it.
    word = next((line for line in lines if line.startswith("Error:")), "") or "".join(lines[-1:])
    return f"exit {code}: {word}"
