"""Parameters of every type, checked before anything starts, arrive as they were given."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

TYPES_FLOW = """
    from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, step

    class TypesFlow(FlowSpec):
        whole = Parameter("whole", type=int, default=1)
        real = Parameter("real", type=float, default=0.5)
        flag = Parameter("flag", type=bool, default=False)
        text = Parameter("some-text", default="plain")
        document = Parameter("document", type=JSONType, default="{}")
        parts = Parameter("parts", separator=",", default="a,b")
        included = IncludeFile("included", default="default.txt")
        needed = Parameter("needed", required=True, type=str)

        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        TypesFlow()
"""
NAMES = ["whole", "real", "flag", "text", "document", "parts", "included", "needed"]


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A folder with the flow deployed."""
    import textwrap

    folder = tmp_path_factory.mktemp("types")
    (folder / "types_flow.py").write_text(textwrap.dedent(TYPES_FLOW))
    (folder / "default.txt").write_text("as it was at create")
    cli = Cli(folder)
    cli.ok("create", "types_flow.py")
    (folder / "default.txt").write_text("changed since")
    return cli


def _arrived(cli: Cli, run: str) -> dict[str, object]:
    found: dict[str, object] = cli.python(
        f"""
        import json
        from metaflow import Run, namespace
        namespace(None)
        data = Run("TypesFlow/{run}").data
        print(json.dumps({{name: getattr(data, name) for name in {NAMES!r}}}))
        """
    )
    return found


def test_defaults(types: Cli) -> None:
    run = types.ok("trigger", "TypesFlow", "-p", "needed=x", "--wait").out.strip()
    assert _arrived(types, run) == {
        "whole": 1,
        "real": 0.5,
        "flag": False,
        "text": "plain",
        "document": {},
        "parts": ["a", "b"],
        "included": "as it was at create",
        "needed": "x",
    }


def test_every_type_given(types: Cli) -> None:
    (types.folder / "other file.txt").write_text("given at trigger\n")
    given = {
        "whole": "-3",
        "real": "1e-3",
        "flag": "True",
        "some-text": "a=b",
        "document": '{"a": [1, null]}',
        "parts": "x,y,z",
        "included": "other file.txt",
        "needed": "",
    }
    options = [part for name, value in given.items() for part in ("-p", f"{name}={value}")]
    run = types.ok("trigger", "TypesFlow", *options, "--wait").out.strip()
    assert _arrived(types, run) == {
        "whole": -3,
        "real": 0.001,
        "flag": True,
        "text": "a=b",
        "document": {"a": [1, None]},
        "parts": ["x", "y", "z"],
        "included": "given at trigger\n",
        "needed": "",
    }


@pytest.mark.parametrize(
    "value",
    [
        "$(touch pwned)",
        "`touch pwned`; $HOME ${PATH}",
        'it\'s "quoted" \\ and\nover\ttwo lines\r\n',
        "--looks-like=an-option",
        "ünïcödé ✓ 日本",
        "{}",
        "*",
        " padded ",
    ],
)
def test_no_shell_no_reformatting(types: Cli, value: str) -> None:
    document = json.dumps({"value": value})
    options = ["-p", f"needed={value}", "-p", f"document={document}"]
    run = types.ok("trigger", "TypesFlow", *options, "--wait").out.strip()
    arrived = _arrived(types, run)
    assert arrived["needed"] == value
    assert arrived["document"] == {"value": value}
    assert not list(types.folder.rglob("pwned"))


def test_200_kilobytes_of_json(types: Cli) -> None:
    big = {"rows": [f"row {index} $(touch pwned)" for index in range(8000)]}
    assert len(json.dumps(big)) > 200_000
    (types.folder / "values.json").write_text(json.dumps({"document": big, "needed": "x"}))
    run = types.ok("trigger", "TypesFlow", "--parameters-file", "values.json", "--wait").out.strip()
    assert _arrived(types, run)["document"] == big


def test_values_of_the_parameters_own_type_from_stdin(types: Cli) -> None:
    values = {"whole": 4, "real": 2, "flag": True, "parts": ["p", "q"], "needed": "x"}
    result = types(
        "trigger", "TypesFlow", "--parameters-file", "-", "--wait", stdin=json.dumps(values)
    )
    assert result.code == 0, result.err
    arrived = _arrived(types, result.out.strip())
    assert [arrived[n] for n in ("whole", "real", "flag", "parts")] == [4, 2.0, True, ["p", "q"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-p", "neded=1"], "neded: the flow has no such parameter; did you mean needed?"),
        ([], "needed: required, but not given (text)"),
        (["-p", "whole=1.5"], "whole: got '1.5', expected a whole number, such as 3"),
        (["-p", "real=much"], "real: got 'much', expected a number, such as 0.5"),
        (["-p", "flag=perhaps"], "flag: got 'perhaps', expected true or false"),
        (["-p", "document={"], "document: got '{', expected JSON"),
        (["-p", "included=nowhere"], "included: got 'nowhere', expected the path of a file"),
        (["-p", "needed"], "-p needed: expected name=value"),
        (["-p", "whole=1", "-p", "whole=2"], "-p whole is given twice"),
    ],
)
def test_wrong_values_start_nothing(types: Cli, options: list[str], expected: str) -> None:
    before = types.ok("runs", "TypesFlow", "--json", "--limit", "1000").json["runs"]
    result = types("trigger", "TypesFlow", *options)
    assert result.code == 2
    assert expected in result.err
    assert "Traceback" not in result.err
    assert types.ok("runs", "TypesFlow", "--json", "--limit", "1000").json["runs"] == before


def test_all_problems_in_one_pass(types: Cli) -> None:
    result = types("trigger", "TypesFlow", "-p", "whole=x", "-p", "nope=1")
    assert "whole: got 'x'" in result.err
    assert "nope: the flow has no such parameter" in result.err
    assert "needed: required" in result.err


def test_console_forms(write: Callable[[str, str], Path]) -> None:
    """All three inputs that people type into the console mean the same to a job."""
    from sfnflow.runtime.folder import FolderStore
    from sfnflow.runtime.parameters import init_arguments

    manifest = {"parameters": {"alpha": "float"}, "defaults": {}, "separators": {}}
    store = FolderStore("unused")
    for text in ('{"Parameters": "{\\"alpha\\": 0.5}"}', '{"Parameters": {"alpha": 0.5}}'):
        assert init_arguments(text, manifest, "", store) == ["--alpha=0.5"]
    for text in ("{}", '{"Parameters": "{}"}', '{"Parameters": {}}', '{"Parameters": ""}'):
        assert init_arguments(text, manifest, "", store) == []
