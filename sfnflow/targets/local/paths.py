"""Data flow of the states language, as pure functions over paths and payload templates.

The part of JSONPath and of the intrinsics that sfnflow writes; anything else raises an error naming
it. Values are shared, neither copied nor changed in place: who receives one must not modify it.

https://states-language.net/spec.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import assert_never

from sfnflow.asl import Json
from sfnflow.targets.local.execution import DataFlowError
from sfnflow.targets.local.expressions import (
    Call,
    Constant,
    Expression,
    Path,
    Text,
    parse_field,
    parse_path,
    parse_target,
)
from sfnflow.targets.local.intrinsics import call_intrinsic

Context = Mapping[str, Json]
"""The context object, what `$$` addresses."""


def read(path: str | None, data: Json, context: Context) -> Json:
    """What InputPath, OutputPath, ItemsPath or a Choice's Variable selects; null selects `{}`."""
    if path == "$":
        return data
    if path is None:
        return {}
    return _look_up(parse_path(path), data, context)


def place(path: str | None, data: Json, result: Json) -> Json:
    """`data` with `result` put where ResultPath says; null discards the result."""
    if path is None:
        return data
    if path == "$":
        return result
    return _put(data, parse_target(path).steps, result, path)


def fill(template: Json, data: Json, context: Context) -> Json:
    """A payload template (Parameters, ResultSelector, ItemSelector), its `.$` fields evaluated."""
    if isinstance(template, dict):
        filled = {}
        for key, value in template.items():
            if key.endswith(".$"):
                filled[key[:-2]] = _field(key, value, data, context)
            else:
                filled[key] = fill(value, data, context)
        return filled
    if isinstance(template, list):
        return [fill(value, data, context) for value in template]
    return template


def unsupported(
    *,
    reads: Iterable[str | None] = (),
    targets: Iterable[str | None] = (),
    templates: Iterable[Json] = (),
) -> Iterator[str]:
    """Names every path and intrinsic among these that would be refused when it is run."""
    for path in reads:
        if path is not None:
            yield from _refusal(parse_path, path)
    for path in targets:
        if path is not None:
            yield from _refusal(parse_target, path)
    for template in templates:
        for key, value in _dynamic_fields(template):
            yield from _refusal(parse_field, key, value)


def _refusal(parse: Callable[..., object], *text: Json) -> Iterator[str]:
    try:
        parse(*text)
    except DataFlowError as error:
        yield error.cause


def _dynamic_fields(template: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(template, dict):
        for key, value in template.items():
            if key.endswith(".$"):
                yield key, value
            else:
                yield from _dynamic_fields(value)
    elif isinstance(template, list):
        for value in template:
            yield from _dynamic_fields(value)


def _field(key: str, value: Json, data: Json, context: Context) -> Json:
    try:
        return _evaluate(parse_field(key, value), data, context)
    except DataFlowError as error:
        raise DataFlowError(error.error, f"The field '{key}': {error.cause}") from None


def _evaluate(expression: Expression, data: Json, context: Context) -> Json:
    match expression:
        case Path():
            return _look_up(expression, data, context)
        case Text() | Constant():
            return expression.value
        case Call():
            values = [_evaluate(argument, data, context) for argument in expression.arguments]
            return call_intrinsic(expression, values)
        case _:
            assert_never(expression)


def _look_up(path: Path, data: Json, context: Context) -> Json:
    value: Json = context if path.in_context else data
    try:
        for step in path.steps:
            if isinstance(value, str):
                raise KeyError(step)
            value = value[step]
    except (KeyError, IndexError, TypeError):
        where = "context object" if path.in_context else "input"
        cause = f"The JSONPath '{path.text}' could not be found in the {where}."
        raise DataFlowError("States.Runtime", cause) from None
    return value


def _put(data: Json, steps: tuple[str | int, ...], result: Json, path: str) -> Json:
    if not steps:
        return result
    step, rest = steps[0], steps[1:]
    if isinstance(step, str) and isinstance(data, dict):
        return {**data, step: _put(data.get(step, {}), rest, result, path)}
    if isinstance(step, int) and isinstance(data, list) and step < len(data):
        return [*data[:step], _put(data[step], rest, result, path), *data[step + 1 :]]
    cause = f"The ResultPath '{path}' cannot be applied to the state's input."
    raise DataFlowError("States.ResultPathMatchFailure", cause)
