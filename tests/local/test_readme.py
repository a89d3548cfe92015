"""Every command that the README shows works as it is typed there, and prints what it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, Cli

BLOCKS = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
# What differs from run to run, or is left out.
VARIES = re.compile(r"sfn-[0-9a-f-]{36}|[0-9a-f]{8}-[0-9a-f-]{27}|/home/\S+|\d+\.\d+s|\.\.\.|\s+")


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return Cli(folder)


def test_commands_in_their_order(cli: Cli) -> None:
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        for command, shown in re.findall(r"^\$ (sfnflow .*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            result = cli(*shlex.split(command)[1:])
            assert result.code == _expected_code(shown), f"{command}\n{result.err}"
            printed = _steady(result.out + result.err)
            for line in shown.splitlines():
                for part in VARIES.split(line):
                    assert part in printed, f"{command} does not print {line!r}"


def test_the_python_session(cli: Cli) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[0]
    cli.ok("create", "examples/parameter_flow.py")
    cli.ok("trigger", "ParameterFlow", "-p", "alpha=0.5", "--wait")
    assert cli.python(code) == [1.0, 0.5, 0.25, 0.125]


def test_the_files_it_links_to_are_there() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert Path(page.parent, link).exists(), f"{page.name} links to {link}"


def _expected_code(shown: str) -> int:
    if shown.startswith("Error:"):
        return 2
    return 1 if " FAILED " in shown else 0


def _steady(text: str) -> str:
    return VARIES.sub(" ", text)
