"""Parameter values, checked without a target."""

from typing import Any

import pytest

from sfnflow.errors import UsageError
from sfnflow.graph import Flow, Parameter, Step
from sfnflow.values import check_values, parse_assignments

STEP = Step(name="start", kind="end")


def _flow(**parameter: Any) -> Flow:
    made = Parameter(**{"name": "p", "variable": "p", "kind": "str", **parameter})
    return Flow(
        name="F", file="f.py", start="start", end="start", steps=(STEP,), parameters=(made,)
    )


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        ({"kind": "int"}, "007", "007"),
        ({"kind": "int"}, 7, "7"),
        ({"kind": "float"}, "1e3", "1e3"),
        ({"kind": "float"}, 2, "2"),
        ({"kind": "bool"}, "YES", "YES"),
        ({"kind": "bool"}, True, "true"),
        ({"kind": "json"}, {"a": 1}, '{"a": 1}'),
        ({"kind": "json"}, "[]", "[]"),
        ({"kind": "list", "separator": ";"}, ["a", 1], "a;1"),
        ({"kind": "str"}, " $x 'y' ", " $x 'y' "),
        ({"kind": "str", "choices": ("a", "b")}, "b", "b"),
    ],
)
def test_what_fits_arrives_as_text(parameter: dict[str, Any], value: Any, text: str) -> None:
    assert check_values(_flow(**parameter), {"p": value}) == {"p": text}


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ({"kind": "int"}, 1.5, "p: got '1.5', expected a whole number"),
        ({"kind": "int"}, True, "expected a whole number"),
        ({"kind": "bool"}, 7, "expected true or false"),
        ({"kind": "float"}, "", "expected a number"),
        ({"kind": "json"}, "{'a': 1}", "expected JSON"),
        ({"kind": "str", "choices": ("a", "b")}, "c", "expected one of a, b"),
        ({"kind": "str"}, "x" * 100, None),
        ({"kind": "int"}, "x" * 100, "x" * 60 + "…"),
    ],
)
def test_what_does_not_fit_is_named(
    parameter: dict[str, Any], value: Any, said: str | None
) -> None:
    if said is None:
        check_values(_flow(**parameter), {"p": value})
        return
    with pytest.raises(UsageError) as raised:
        check_values(_flow(**parameter), {"p": value})
    assert said in "\n".join(raised.value.details)


def test_required_only_without_a_default() -> None:
    assert check_values(_flow(required=True, default="d"), {}) == {}
    with pytest.raises(UsageError):
        check_values(_flow(required=True), {})


def test_assignments_keep_everything_after_the_first_equals_sign() -> None:
    assert parse_assignments(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(UsageError) as raised:
        parse_assignments(["=x", "y", "a=1", "a=2"])
    assert len(raised.value.details) == 3
