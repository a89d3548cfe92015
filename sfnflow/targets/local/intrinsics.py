"""The intrinsic functions that sfnflow writes.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import json
from typing import NoReturn

from sfnflow.asl import Json
from sfnflow.targets.local.execution import DataFlowError
from sfnflow.targets.local.expressions import Call, Text


def call_intrinsic(call: Call, values: list[Json]) -> Json:
    """The result of a call whose arguments have these values."""
    match call.function:
        case "Format":
            return _format(call, values)
        case "JsonToString":
            return _to_json(values[0])
        case _:
            return _from_json(call, values[0])


def _format(call: Call, values: list[Json]) -> str:
    template, *rest = values
    if not isinstance(template, str):
        _fail(call, "the first argument must be a string")
    first = call.arguments[0]
    pieces = first.pieces if isinstance(first, Text) else tuple(template.split("{}"))
    if len(pieces) != len(rest) + 1:
        _fail(call, f"{len(pieces) - 1} times {{}} but {len(rest)} values to put there")
    shown = [_shown(call, value) for value in rest]
    return pieces[0] + "".join(map("".join, zip(shown, pieces[1:], strict=True)))


def _shown(call: Call, value: Json) -> str:
    if isinstance(value, dict | list):
        # Step Functions writes these as Java does, `{a=1}`, and does not say so: better none of it.
        _fail(call, "an object or array needs a States.JsonToString around it")
    return value if isinstance(value, str) else _to_json(value)


def _to_json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _from_json(call: Call, text: Json) -> Json:
    if not isinstance(text, str):
        _fail(call, "the argument must be a string")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _fail(call, f"not JSON: {error}")


def _fail(call: Call, why: str) -> NoReturn:
    raise DataFlowError("States.IntrinsicFailure", f"The function '{call.text}' failed: {why}.")
