"""What a flow file says, read by running it: the graph, the parameters, and what `show` makes of it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import metaflow
import pytest

from sfnflow.graph import Flow
from sfnflow.load.loader import LoadedFlow, LoadOptions, load_flow, wait
from tests.conftest import EXAMPLES, ROOT, Cli

Write = Callable[[str, str], Path]
FLOWS = ROOT / "tests" / "flows"
TUTORIALS = Path(metaflow.__file__).parent / "tutorials"


def load(path: Path, folder: Path | None = None, /, **options: Any) -> LoadedFlow:
    """Loads a flow as from `folder`, free of the developer's own configuration."""
    with pytest.MonkeyPatch.context() as world:
        world.chdir(folder or path.parent)
        for name in [name for name in os.environ if name.startswith("METAFLOW")]:
            world.delenv(name)
        world.setenv("METAFLOW_HOME", "/nonexistent")
        return load_flow(path, LoadOptions(user="me", **options))


def flow_text(body: str = "", *, head: str = "", start: str = "F()") -> str:
    """A flow of two steps."""
    return f"""from metaflow import *
{head}

class F(FlowSpec):
    {body}

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


{start}
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("load") / "calls"


@pytest.fixture(scope="module")
def many_ways(calls: Path) -> LoadedFlow:
    with pytest.MonkeyPatch.context() as world:
        world.setenv("CALLS", str(calls))
        return load(FLOWS / "many_ways.py")


@pytest.fixture(scope="module")
def switches() -> Flow:
    return load(FLOWS / "switches.py").flow


# The graph


def test_kinds_and_transitions(many_ways: LoadedFlow) -> None:
    graph = {s.name: (s.kind, s.next, s.matching_join) for s in many_ways.flow.steps}
    assert graph == {
        "start": ("foreach", ("work",), "collect"),
        "work": ("linear", ("collect",), None),
        "collect": ("join", ("fork",), None),
        "fork": ("split", ("left", "right"), "meet"),
        "left": ("switch", ("one", "other"), None),
        "one": ("linear", ("met",), None),
        "other": ("linear", ("met",), None),
        "met": ("linear", ("meet",), None),
        "right": ("linear", ("meet",), None),
        "meet": ("join", ("end",), None),
        "end": ("end", (), None),
    }
    assert many_ways.flow.step("start").foreach == "items"
    assert many_ways.flow.step("left").condition == "kind"
    assert many_ways.flow.step("left").cases == {"a": "one", "b": "other"}


def test_branches_and_scopes(switches: Flow) -> None:
    scopes = {s.name: (s.splits, s.branch, set(s.parents)) for s in switches.steps}
    body, left = ("fan", "body"), "left"
    assert scopes == {
        "start": ((), None, set()),
        "start_over": ((), None, {"start"}),
        "fan": ((), None, {"start", "start_over"}),
        "body": (("fan",), "body", {"fan"}),
        "left": (body, left, {"body"}),
        "odd": (body, left, {"left"}),
        "even": (body, left, {"left"}),
        "right": (body, "right", {"body"}),
        "inner": (body, "body", {"odd", "even", "right"}),
        "outer": (("fan",), None, {"inner"}),
        "end": ((), None, {"outer"}),
    }
    assert switches.step("start_over").next == ("start_over", "fan")
    assert switches.step("left").cases == {"1": "odd", "2": "even"}
    assert switches.step("fan").matching_join == "outer"
    assert switches.step("body").matching_join == "inner"
    assert [switches.foreach_depth(switches.step(s)) for s in ("fan", "odd", "inner", "outer")] == [
        0, 1, 1, 0,
    ]  # fmt: skip


def test_docs_and_source_lines(many_ways: LoadedFlow) -> None:
    flow = many_ways.flow
    lines = (FLOWS / "many_ways.py").read_text().splitlines()
    for step in flow.steps:
        assert lines[step.line - 1].strip().startswith(f"def {step.name}(")
        assert step.file == flow.file == str(FLOWS / "many_ways.py")
    assert flow.name == "ManyWays"
    assert flow.doc == "All ways at once."
    assert flow.step("start").doc == "Begins."
    assert flow.step("end").doc == "Inherited."


def test_decorators_with_where_they_come_from(many_ways: LoadedFlow) -> None:
    flow = many_ways.flow
    names = {s.name: {(d.name, d.source) for d in s.decorators} for s in flow.steps}
    assert names["start"] == {("batch", "static"), ("retry", "static"), ("environment", "static")}
    assert names["work"] == {
        ("kubernetes", "static"),
        ("resources", "static"),
        ("timeout", "static"),
        ("catch", "static"),
        ("environment", "__main__.AddEnvironment"),
        ("__main__.AddEnvironment", "static"),
    }
    assert names["right"] == {("__main__.tell", "static")}
    assert names["end"] == {("retry", "__main__.AddParameter")}
    batch = flow.step("start").decorator("batch")
    assert batch is not None
    assert (batch.attributes["queue"], batch.attributes["image"]) == ("q", "python:3.11")
    assert {d.name for d in flow.decorators} == {"project", "schedule"}


def test_what_decorators_mean_for_a_task(many_ways: LoadedFlow) -> None:
    start, work, end = (many_ways.flow.step(name) for name in ("start", "work", "end"))
    assert (start.retries, start.fallbacks, end.retries) == (2, 0, 3)
    assert (work.retries, work.fallbacks, work.timeout_seconds) == (0, 3, 120)
    assert start.environment == {"FOO": "bar"}
    assert work.environment == {"ADDED": "by-mutator"}
    assert start.resources == {"cpu": 4}  # from a config
    assert work.resources == {"cpu": 2, "memory": 8000}  # the most of @kubernetes and @resources


def test_schedule_and_project(many_ways: LoadedFlow) -> None:
    flow = many_ways.flow
    assert flow.schedule is not None and flow.project is not None
    assert (flow.schedule.cron, flow.schedule.timezone) == ("0 3 * * ? *", "Europe/Helsinki")
    assert flow.project.flow_name == "many_ways.user.me.ManyWays"
    assert flow.tags == ("project:many_ways", "project_branch:user.me")


@pytest.mark.parametrize(
    ("options", "name", "production"),
    [
        ({"branch": "b"}, "many_ways.test.b.ManyWays", False),
        ({"production": True}, "many_ways.prod.ManyWays", True),
        ({"branch": "b", "production": True}, "many_ways.prod.b.ManyWays", True),
    ],
)
def test_project_options(options: dict[str, Any], name: str, production: bool) -> None:
    project = load(FLOWS / "many_ways.py", **options).flow.project
    assert project is not None
    assert (project.flow_name, project.production) == (name, production)


@pytest.mark.parametrize(
    ("file", "name", "steps"),
    [("own_names.py", "OwnNames", ["begin", "finish"]), ("single_step.py", "SingleStep", ["only"])],
)
def test_steps_of_any_name(file: str, name: str, steps: list[str]) -> None:
    flow = load(FLOWS / file).flow
    assert [step.name for step in flow.steps] == steps
    assert (flow.name, flow.start, flow.end) == (name, steps[0], steps[-1])
    assert flow.step(flow.end).kind == "end"


# Parameters and configs


def test_parameters(many_ways: LoadedFlow) -> None:
    about = {p.name: (p.kind, p.default, p.required) for p in many_ways.flow.parameters}
    computed = about.pop("when")
    assert about == {
        "alpha": ("float", 0.5, False),
        "needed": ("int", None, True),
        "flag": ("bool", True, False),
        "document": ("json", '{"a": [1, 2]}', False),
        "nothing": ("json", None, False),
        "words": ("list", "a,b", False),
        "cpus": ("int", 4, False),  # from a config
        "other-name": ("str", "x", False),
        "data": ("file", "data.txt", False),
        "extra": ("str", "mutated", False),  # by a mutator
        "inherited": ("int", 1, False),
    }
    assert computed == ("str", "ManyWays me when local 4", False)  # Metaflow's whole context
    by_name = {p.name: p for p in many_ways.flow.parameters}
    assert by_name["alpha"].help == "How fast it learns."
    assert by_name["other-name"].variable == "renamed"
    assert by_name["words"].separator == ","
    assert [p.name for p in by_name.values() if p.deploy_time] == ["when"]
    assert [p.name for p in by_name.values() if p.must_be_given] == ["needed"]


def test_deploy_time_functions_are_called_once(many_ways: LoadedFlow, calls: Path) -> None:
    assert calls.read_text() == "called\n"


def test_the_function_of_an_included_file_is_called_once(write: Write) -> None:
    head = "def pick(context):\n    print(1, file=open('calls', 'a'))\n    return 'flow.py'"
    file = write("flow.py", flow_text('p = IncludeFile("p", default=pick)', head=head))
    loaded = load(file)
    assert loaded.flow.parameters[0].default == "flow.py"
    assert (str(file), "_sfnflow/files/p") in loaded.files
    assert (file.parent / "calls").read_text() == "1\n"


def test_configs(many_ways: LoadedFlow) -> None:
    values = {name: value for name, (value, _) in many_ways.configs["user_configs"].items()}
    assert values == {"settings": {"cpu": 4}, "inline": {"a": {"b": 1}}}


def test_configs_from_options(write: Write) -> None:
    file = write("other.json", '{"cpu": 7}')
    options = {"configs": (("settings", str(file)),), "config_values": (("inline", '{"c": 2}'),)}
    loaded = load(FLOWS / "many_ways.py", FLOWS, **options)
    values = {name: value for name, (value, _) in loaded.configs["user_configs"].items()}
    assert values == {"settings": {"cpu": 7}, "inline": {"c": 2}}
    assert loaded.flow.step("start").resources == {"cpu": 7}


def test_with_adds_a_decorator_to_all_steps_that_have_it_not() -> None:
    loaded = load(FLOWS / "many_ways.py", decospecs=("retry:times=4", "batch:memory=9000"))
    retries = {step.name: step.retries for step in loaded.flow.steps}
    assert retries.pop("start") == 2
    assert set(retries.values()) == {4}
    added = loaded.flow.step("one").decorator("batch")
    assert added is not None and added.source == "with"
    assert loaded.flow.step("one").resources == {"memory": 9000}
    assert loaded.decospecs == ("retry:times=4", "batch:memory=9000")


# Ways to write, place and start a flow


STARTED = {
    "unguarded": flow_text(),
    "in a function": flow_text(
        start="def main():\n    F()\n\n\nif __name__ == '__main__':\n    main()"
    ),
    "caught": flow_text(start="try:\n    F()\nexcept SystemExit:\n    pass\nprint('after')"),
    "caught all": flow_text(start="try:\n    F()\nexcept:\n    import sys\n    sys.exit(1)"),
    "finally": flow_text(start="try:\n    F()\nfinally:\n    print('after')"),
    "by its own command line": flow_text(
        head="import sys", start="if len(sys.argv) < 2:\n    sys.argv.append('run')\nF()"
    ),
    "postponed annotations": "from __future__ import annotations\n"
    + flow_text(head="import dataclasses\n\n@dataclasses.dataclass\nclass D:\n    x: int"),
    "reads itself": flow_text(head="assert open(__file__).read().endswith('F()\\n')"),
    "checks its folder": flow_text(
        head="import os, sys\nassert sys.path[0] == os.path.dirname(__file__), sys.path"
    ),
}


@pytest.mark.parametrize("how", STARTED)
def test_ways_to_start_a_flow(how: str, write: Write) -> None:
    assert load(write("flow.py", STARTED[how])).flow.name == "F"


@pytest.mark.parametrize("folder", ["with space", "mit-ümläut-ß", "日本語", "quote'\"$HOME", "a.b"])
def test_any_path(folder: str, write: Write) -> None:
    write(f"{folder}/sibling.py", "X = 1\n")
    write(f"{folder}/deep/inner.py", "from sibling import X\n")
    write(f"{folder}/deep/__init__.py", "")
    file = write(f"{folder}/fl öw.py", flow_text(head="import deep.inner"))
    loaded = load(file, file.parents[1])
    assert loaded.flow.file == str(file)
    assert {name for _, name in loaded.files} == {
        "fl öw.py", "sibling.py", "deep/__init__.py", "deep/inner.py",
    }  # fmt: skip


def test_a_package_beside_the_flows_folder(write: Write, tmp_path: Path) -> None:
    write("common/__init__.py", "X = 1\n")
    head = "import sys, pathlib\nsys.path.append(str(pathlib.Path(__file__).parents[1]))\nimport common"
    file = write("flows/flow.py", flow_text(head=head))
    assert load(file, tmp_path).flow.name == "F"


def test_data_is_read_relative_to_the_users_folder(write: Write, tmp_path: Path) -> None:
    write("data.txt", "F")
    file = write("sub/flow.py", flow_text(head="assert open('data.txt').read() == 'F'"))
    assert load(file, tmp_path).flow.name == "F"


def test_a_linked_file_imports_from_beside_its_target(write: Write, tmp_path: Path) -> None:
    write("real/sibling.py", "X = 1\n")
    target = write("real/flow.py", flow_text(head="import sibling"))
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "my_flow.py"
    link.symlink_to(target)
    loaded = load(link, tmp_path)
    assert loaded.flow.file == str(link)
    assert {name for _, name in loaded.files} >= {"my_flow.py", "sibling.py"}


def test_prints_go_to_stderr(cli: Cli, write: Write) -> None:
    head = "import os\nprint('python')\nos.system('echo child')\nos.write(1, b'descriptor')"
    write(
        "flow.py",
        flow_text('p = Parameter("p", default=lambda c: print("late") or "x")', head=head),
    )
    result = cli.ok("create", "flow.py", "--only-json")
    assert result.json["StartAt"] == "start"
    for word in ("python", "child", "descriptor", "late"):
        assert word in result.err


def test_nothing_is_left_where_a_flow_is_loaded(cli: Cli, write: Write) -> None:
    write("flow.py", flow_text())
    cli.ok("create", "flow.py", "--only-json")
    cli.ok("show", "flow.py")
    assert {path.name for path in cli.folder.iterdir()} <= {"flow.py", ".sfnflow"}


def test_a_long_load_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5); exit(3)"])
    assert wait(child, "slow.py", patience=0.2) == 3
    assert re.match(r"Still loading slow.py, for 0s. Ctrl-C ends it.\n", capsys.readouterr().err)


# The judge: `python flow.py show`


SHOWN = [
    *sorted(EXAMPLES.glob("*.py")),
    *sorted(FLOWS.glob("*.py")),
    TUTORIALS / "00-helloworld" / "helloworld.py",
    TUTORIALS / "02-statistics" / "stats.py",
    TUTORIALS / "05-hello-cloud" / "hello-cloud.py",
]


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.stem)
def test_the_graph_is_the_one_that_metaflow_shows(file: Path, tmp_path: Path) -> None:
    shutil.copytree(file.parent, tmp_path, dirs_exist_ok=True)
    copy = tmp_path / file.name
    # The datastore that @batch and @kubernetes insist on; `show` does not touch it.
    options = ["--no-pylint", "--datastore=s3", "--datastore-root=s3://none/none"]
    shown = subprocess.run(
        [sys.executable, copy.name, *options, "show"],
        cwd=tmp_path,
        env={**os.environ, "METAFLOW_HOME": "/nonexistent", "METAFLOW_USER": "me"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [
        (s.name, sorted(d.name for d in s.decorators if "Add" not in d.name), list(s.next))
        for s in load(copy).flow.steps
    ]
    assert ours == _steps(shown.stdout)


def _steps(shown: str) -> list[tuple[str, list[str], list[str]]]:
    steps: list[tuple[str, list[str], list[str]]] = []
    decorators: list[str] = []
    for line in re.sub(r"\x1b\[\w+", "", shown).splitlines():
        if line.startswith("@"):
            decorators.append(line[1:].strip())
        elif line.startswith("Step "):
            steps.append((line.removeprefix("Step ").strip(), sorted(decorators), []))
            decorators = []
        elif "=> " in line:
            steps[-1][2].extend(name.strip() for name in line.split("=>")[1].split(","))
    return steps
