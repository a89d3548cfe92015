"""What lands in the code package, and that tasks run from it and nothing else."""

import os
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

from sfnflow.load.loader import LoadOptions, load_flow
from tests.conftest import Cli

Write = Callable[[str, str], Path]

FLOW = """
from metaflow import FlowSpec, step
{head}

class F(FlowSpec):
    @step
    def start(self):
        {body}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    F()
"""


def flow_text(head: str = "", body: str = "pass") -> str:
    return FLOW.format(head=head, body=body)


def packaged(file: Path, **options: str) -> set[str]:
    return {name for _, name in load_flow(file, LoadOptions(**options)).files}


def test_the_files_are_those_of_metaflow(write: Write, tmp_path: Path) -> None:
    file = write("flow.py", flow_text())
    for name in (
        "beside.py", "pkg/deep/module.py", "data.csv", "notes.txt", "tool.R", "venv/lib/library.py",
        ".venv/lib/library.py", ".sfnflow/packages/x/flow.py", ".metaflow/F/x.py", ".hidden.py",
        "pkg/.git/hook.py", "__pycache__/flow.py", "pkg/__pycache__/module.py",
        "env/pyvenv.cfg", "env/lib/python3/site-packages/installed.py",
    ):  # fmt: skip
        write(name, "")
    # Other than Metaflow's, ours leaves out a virtual environment: each task copies the package.
    plain = {"flow.py", "beside.py", "pkg/deep/module.py", "tool.R", "venv/lib/library.py"}
    assert packaged(file) == plain
    assert packaged(file, package_suffixes=".csv,.txt") == plain | {"data.csv", "notes.txt"}


def test_links_are_followed_but_not_in_circles(write: Write, tmp_path: Path) -> None:
    write("shared/common.py", "")
    file = write("flow/flow.py", flow_text())
    folder = file.parent
    (folder / "shared").symlink_to(tmp_path / "shared")
    (folder / "linked.py").symlink_to(tmp_path / "shared" / "common.py")
    (folder / "nowhere.py").symlink_to("gone.py")
    (folder / "self").symlink_to(folder)
    (tmp_path / "shared" / "back").symlink_to(folder)
    os.mkfifo(folder / "pipe.py")
    found = packaged(file)
    assert found >= {"flow.py", "shared/common.py", "linked.py"}
    assert not found & {"nowhere.py", "pipe.py"}
    assert max(name.count("/") for name in found) <= 5


def test_a_file_without_a_suffix_is_in_its_package(cli: Cli, write: Write) -> None:
    write("my flöw", flow_text())
    cli.create_and_run("my flöw")


def test_modules_that_ask_to_travel_do(cli: Cli, write: Write, tmp_path: Path) -> None:
    write("elsewhere/traveller/__init__.py", 'METAFLOW_PACKAGE_POLICY = "include"\n')
    write("elsewhere/traveller/deep.py", "X = 42\n")
    write("code/flow.py", flow_text("import traveller", "from traveller.deep import X; self.x = X"))
    code = cli.ok("create", "code/flow.py", "--json", PYTHONPATH=str(tmp_path / "elsewhere"))
    shutil.rmtree(tmp_path / "elsewhere")
    run = cli.ok("trigger", code.json["name"], "--wait").out.strip()
    assert _artifact(cli, run, "x") == 42


def test_files_that_a_mutator_adds_travel(cli: Cli, write: Write, tmp_path: Path) -> None:
    write("elsewhere/added.py", "X = 43\n")
    head = f"""
        from metaflow import FlowMutator
        from metaflow.packaging_sys import ContentType


        class Adds(FlowMutator):
            def add_to_package(self):
                yield {str(tmp_path / "elsewhere" / "added.py")!r}, "added.py", ContentType.USER_CONTENT
                yield {str(tmp_path / "elsewhere" / "added.py")!r}, "other.py"


        @Adds
    """
    body = "import added, other; self.x = added.X + other.X"
    write(
        "code/flow.py",
        flow_text(textwrap.dedent(head).rstrip(), body).replace("@Adds\n\n", "@Adds\n"),
    )
    assert _artifact(cli, cli.create_and_run("code/flow.py"), "x") == 86


def test_the_package_is_a_snapshot(cli: Cli, write: Write, tmp_path: Path) -> None:
    write("code/helper.py", "X = 1\n")
    write("code/flow.py", flow_text("import helper", "self.x = helper.X"))
    name = cli.ok("create", "code/flow.py", "--json").json["name"]
    write("code/helper.py", "X = 2\n")
    assert _artifact(cli, cli.ok("trigger", name, "--wait").out.strip(), "x") == 1
    shutil.rmtree(tmp_path / "code")
    assert _artifact(cli, cli.ok("trigger", name, "--wait").out.strip(), "x") == 1


def test_a_linked_flow_runs(cli: Cli, write: Write, tmp_path: Path) -> None:
    write("real/helper.py", "X = 1\n")
    target = write("real/flow.py", flow_text("import helper", "self.x = helper.X"))
    (tmp_path / "link.py").symlink_to(target)
    assert _artifact(cli, cli.create_and_run("link.py"), "x") == 1


def _artifact(cli: Cli, run: str, name: str) -> object:
    return cli.python(
        f"""
        import json, metaflow
        metaflow.namespace(None)
        print(json.dumps(metaflow.Run("F/{run}")["start"].task[{name!r}].data))
        """
    )
