import pytest

from sfnflow.asl import Json
from sfnflow.targets.local.execution import StateError
from sfnflow.targets.local.paths import fill, place, read, unsupported

CONTEXT = {
    "Execution": {"Id": "arn:x", "Name": "n1", "Input": {"Parameters": "{}"}, "StartTime": "now"},
    "StateMachine": {"Id": "arn:sm", "Name": "sm"},
    "State": {"Name": "s", "RetryCount": 2},
    "Map": {"Item": {"Index": 3, "Value": {"x": 1}}},
}


def evaluate(expression: str, data: Json = None) -> Json:
    return fill({"it.$": expression}, data, CONTEXT)["it"]


def failure(expression: str, data: Json = None) -> tuple[str, str]:
    with pytest.raises(StateError) as caught:
        evaluate(expression, data)
    return caught.value.error, caught.value.cause


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": {"b": [10, 20]}, "c d": 1, "x-y": 2, "it's": 3, "ü": 4, "none": None}),
        ("$.a.b", [10, 20]),
        ("$.a.b[1]", 20),
        ("$['a']['b'][0]", 10),
        ("$['c d']", 1),
        ("$.x-y", 2),
        (r"$['it\'s']", 3),
        ("$.ü", 4),
        ("$.none", None),
        ("$$.Execution.Name", "n1"),
        ("$$.Execution.Input.Parameters", "{}"),
        ("$$.Map.Item.Index", 3),
        ("$$.Map.Item.Value.x", 1),
        ("$$.State.RetryCount", 2),
        ("$$['StateMachine']['Name']", "sm"),
    ],
)
def test_paths_select(path: str, expected: Json) -> None:
    data = {"a": {"b": [10, 20]}, "c d": 1, "x-y": 2, "it's": 3, "ü": 4, "none": None}
    assert read(path, data, CONTEXT) == expected
    assert evaluate(path, data) == expected


def test_a_null_path_selects_an_empty_object() -> None:
    assert read(None, {"a": 1}, CONTEXT) == {}


@pytest.mark.parametrize(
    "path", ["$.b", "$.a.b", "$.a[0]", "$.text[0]", "$.list[2]", "$.list.a", "$.number.a", "$[0]"]
)
def test_a_path_to_nothing_fails_and_is_named(path: str) -> None:
    data = {"a": {}, "text": "abc", "list": [1, 2], "number": 1}
    with pytest.raises(StateError) as caught:
        read(path, data, CONTEXT)
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == f"The JSONPath '{path}' could not be found in the input."


def test_a_failing_field_of_a_template_is_named() -> None:
    assert failure("$.b", {}) == (
        "States.Runtime",
        "The field 'it.$': The JSONPath '$.b' could not be found in the input.",
    )


def test_a_context_path_to_nothing_fails() -> None:
    with pytest.raises(StateError, match="found in the context object"):
        read("$$.Map.Item.Index", {}, {"Execution": {}})


@pytest.mark.parametrize(
    "path",
    [
        "$.a[*]",
        "$..a",
        "$.a[?(@.b == 1)]",
        "$.a[0:2]",
        "$.a[-1]",
        "$.a.",
        "$variable",
        "a.b",
        "",
        "'text'",
        "12",
        "{% $states.input %}",
        "$.a ",
        "$['a','b']",
    ],
)
def test_other_paths_are_refused_by_name(path: str) -> None:
    error, cause = failure(path, {"a": [{"b": 1}]})
    assert error == "States.Runtime"
    assert f"'{path}'" in cause
    assert cause.endswith("is not run by the local target")


@pytest.mark.parametrize(
    "path", ["$$", "$$.Execution", "$$.State.EnteredTime", "$$.Task.Token", "$$.Execution.RoleArn"]
)
def test_what_the_local_context_object_lacks_is_refused(path: str) -> None:
    assert failure(path)[1].endswith(
        f"'{path}' of the context object is not run by the local target"
    )


def test_a_template_mixes_constants_and_paths_at_any_depth() -> None:
    template = {
        "Plain": "$.a",
        "N": 1,
        "Deep": [{"x.$": "$.a"}, "$.a", None],
        "Name.$": "$$.Execution.Name",
        "All.$": "$",
    }
    assert fill(template, {"a": True}, CONTEXT) == {
        "Plain": "$.a",
        "N": 1,
        "Deep": [{"x": True}, "$.a", None],
        "Name": "n1",
        "All": {"a": True},
    }


def test_filling_shares_values_and_leaves_the_template_alone() -> None:
    template = {"x.$": "$.big", "y": {"z": 1}}
    data = {"big": [1, 2, 3]}
    filled = fill(template, data, CONTEXT)
    assert filled["x"] is data["big"]
    filled["y"]["z"] = 2
    assert template == {"x.$": "$.big", "y": {"z": 1}}


def test_a_dynamic_field_must_hold_a_string() -> None:
    with pytest.raises(StateError, match=r"'x\.\$' with a value that is not a string"):
        fill({"x.$": {"y": 1}}, {}, CONTEXT)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("States.Format('plain')", "plain"),
        ("States.Format('{}/{}', $.text, $.int)", "a'b/7"),
        ("States.Format('{}{}{}{}', 1, 2.5, true, null)", "12.5truenull"),
        ("States.Format( 'x {}' ,\n 'y' )", "x y"),
        (r"States.Format('\{\} {} \'q\' \\', 1)", "{} 1 'q' \\"),
        (r"States.Format('\{{}\}', $.int)", "{7}"),
        (r"States.Format('{}', '\{\}')", "{}"),
        ("States.Format('{}', '{}')", "{}"),
        ("States.Format('{}, {}', 'a, b', ')')", "a, b, )"),
        ("States.Format($.template, 1)", "<1>"),
        ("States.Format('{}', $.tricky)", "{} {}"),
        ("States.Format('{}-{}', $$.Execution.Name, States.Format('i{}', $.int))", "n1-i7"),
        ("States.Format('{}', $.float)", "0.5"),
        ("States.JsonToString($.object)", '{"k":["ü",1,null]}'),
        ("States.JsonToString($$.Execution.Input)", '{"Parameters":"{}"}'),
        ("States.JsonToString($.text)", '"a\'b"'),
        ("States.StringToJson($.json)", {"a": [1]}),
        ("States.StringToJson('3')", 3),
        ("States.StringToJson(States.JsonToString($.object))", {"k": ["ü", 1, None]}),
        ("States.Format('{}', States.JsonToString($.object))", '{"k":["ü",1,null]}'),
    ],
)
def test_intrinsics(expression: str, expected: Json) -> None:
    data = {
        "text": "a'b",
        "int": 7,
        "float": 0.5,
        "object": {"k": ["ü", 1, None]},
        "json": ' {"a": [1]} ',
        "template": "<{}>",
        "tricky": "{} {}",
    }
    assert evaluate(expression, data) == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("States.StringToJson('no')", "not JSON"),
        ("States.StringToJson($.n)", "must be a string"),
        ("States.Format($.n, 1)", "must be a string"),
        ("States.Format($.template)", "1 times {} but 0 values"),
        ("States.Format('{}', $.object)", "needs a States.JsonToString"),
        ("States.Format('{}', $.list)", "needs a States.JsonToString"),
    ],
)
def test_an_intrinsic_that_fails(expression: str, why: str) -> None:
    error, cause = failure(expression, {"n": 1, "template": "{}", "object": {}, "list": []})
    assert error == "States.IntrinsicFailure"
    assert f"The function '{expression}' failed" in cause
    assert why in cause


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("States.Hash($.a, 'MD5')", "States.Hash"),
        ("States.Format('{}', States.UUID())", "States.UUID"),
        ("States.Format('{}')", "States.Format('{}')"),
        ("States.Format('{}', 1, 2)", "States.Format"),
        ("States.Format()", "without arguments"),
        ("States.Format('{', 1)", "A string with {"),
        (r"States.Format('\n')", "backslash n"),
        ("States.Format('a' 'b')", "States.Format"),
        ("States.Format('a',)", "States.Format"),
        ("States.Format('a'", "States.Format"),
        ("States.Format('a') ", "States.Format"),
        ("States.JsonToString($.a, $.b)", "2 arguments"),
        ("States.JsonToString($.a[*])", "$.a[*]"),
        ("States.JsonToString($$.Task.Token)", "$$.Task.Token"),
        ('States.Format("a")', "States.Format"),
    ],
)
def test_other_intrinsics_are_refused_by_name(expression: str, what: str) -> None:
    error, cause = failure(expression, {"a": []})
    assert error == "States.Runtime"
    assert what in cause
    assert cause.endswith("is not run by the local target")


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        (None, {"a": 1}, {"a": 1}),
        ("$", {"a": 1}, "R"),
        ("$.r", {"a": 1}, {"a": 1, "r": "R"}),
        ("$.a", {"a": 1, "b": 2}, {"a": "R", "b": 2}),
        ("$.a.b.c", {}, {"a": {"b": {"c": "R"}}}),
        ("$.a.b", {"a": {"c": 1}}, {"a": {"c": 1, "b": "R"}}),
        ("$['x y']", {}, {"x y": "R"}),
        ("$.l[1]", {"l": [1, 2, 3]}, {"l": [1, "R", 3]}),
        ("$[0].a", [{"b": 1}], [{"b": 1, "a": "R"}]),
    ],
)
def test_result_path(path: str | None, data: Json, expected: Json) -> None:
    before = repr(data)
    assert place(path, data, "R") == expected
    assert repr(data) == before, "the input is shared and must stay as it is"


def test_placing_a_result_copies_only_along_its_path() -> None:
    data = {"big": [1, 2, 3], "a": {}}
    assert place("$.a.r", data, 1)["big"] is data["big"]


@pytest.mark.parametrize(
    ("path", "data"),
    [("$.a", "text"), ("$.a", [1]), ("$.a.b", {"a": 1}), ("$.l[1]", {"l": [1]}), ("$[0]", {})],
)
def test_a_result_path_that_does_not_fit(path: str, data: Json) -> None:
    with pytest.raises(StateError) as caught:
        place(path, data, "R")
    assert caught.value.error == "States.ResultPathMatchFailure"
    assert path in caught.value.cause


@pytest.mark.parametrize("path", ["$$.Execution.Name", "$.a[*]", "States.Format('a')"])
def test_other_result_paths_are_refused(path: str) -> None:
    with pytest.raises(StateError, match="is not run by the local target"):
        place(path, {}, 1)


def test_read_takes_paths_only() -> None:
    with pytest.raises(StateError, match="in place of a path is not run"):
        read("States.Format('a')", {}, CONTEXT)


def test_unsupported_names_everything_and_evaluates_nothing() -> None:
    found = unsupported(
        reads=["$.fine", None, "$.a[*]"],
        targets=["$.fine", None, "$$.Execution.Name"],
        templates=[None, {"ok.$": "$.b", "l": [{"x.$": "States.UUID()", "y.$": 1}], "s": "$.a[*]"}],
    )
    assert [text.removesuffix(" is not run by the local target") for text in found] == [
        "'$.a[*]'",
        "The ResultPath '$$.Execution.Name'",
        "The intrinsic States.UUID in 'States.UUID()'",
        "'y.$' with a value that is not a string",
    ]
