"""Data flow of the states language, as pure functions: paths, payload templates, intrinsics.

The part of JSONPath and of the intrinsics that sfnflow writes; anything else raises an error naming
it. Expressions are parsed once and kept. Values are shared, neither copied nor changed in place:
who receives one must not modify it.

https://states-language.net/spec.html
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, assert_never

from sfnflow.asl import Json
from sfnflow.targets.local.execution import DataFlowError

Context = Mapping[str, Json]
"""The context object, what `$$` addresses."""


@dataclass(frozen=True, slots=True)
class Path:
    text: str
    in_context: bool
    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string argument: its value, and the pieces between its `{}` for States.Format."""

    value: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, true, false or null."""

    value: Json


@dataclass(frozen=True, slots=True)
class Call:
    text: str
    function: str
    arguments: tuple["Expression", ...]


Expression = Path | Text | Constant | Call

_PATH = re.compile(r"\$\$?(?:\.[\w-]+|\[\d+\]|\['(?:[^'\\]|\\.)*'\])*")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_STRING_TOKEN = re.compile(r"\\(.)|(\{\})|(.)", re.DOTALL)
_CONSTANT = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|null|true|false")
_FUNCTION = re.compile(r"States\.(\w+)\(\s*")
_COMMA = re.compile(r"\s*,\s*")
_CLOSE = re.compile(r"\s*\)")

_FUNCTIONS = ("Format", "JsonToString", "StringToJson")

# Of the context object: what means the same on this machine and does not depend on a clock.
_CONTEXT = (
    ("Execution", "Id"),
    ("Execution", "Input"),
    ("Execution", "Name"),
    ("Execution", "StartTime"),
    ("Map", "Item", "Index"),
    ("Map", "Item", "Value"),
    ("State", "Name"),
    ("State", "RetryCount"),
    ("StateMachine", "Id"),
    ("StateMachine", "Name"),
)


def read(path: str | None, data: Json, context: Context) -> Json:
    """What InputPath, OutputPath, ItemsPath or a Choice's Variable selects; null selects `{}`."""
    if path == "$":
        return data
    if path is None:
        return {}
    return _look_up(_parse_path(path), data, context)


def place(path: str | None, data: Json, result: Json) -> Json:
    """`data` with `result` put where ResultPath says; null discards the result."""
    if path is None:
        return data
    if path == "$":
        return result
    return _put(data, _parse_target(path).steps, result, path)


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
            yield from _refusal(_parse_path, path)
    for path in targets:
        if path is not None:
            yield from _refusal(_parse_target, path)
    for template in templates:
        for key, value in _dynamic_fields(template):
            yield from _refusal(_parse_field, key, value)


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
        return _evaluate(_parse_field(key, value), data, context)
    except DataFlowError as error:
        raise DataFlowError(error.error, f"The field '{key}': {error.cause}") from None


# Evaluation


def _evaluate(expression: Expression, data: Json, context: Context) -> Json:
    match expression:
        case Path():
            return _look_up(expression, data, context)
        case Text() | Constant():
            return expression.value
        case Call():
            return _call(expression, data, context)
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


def _call(call: Call, data: Json, context: Context) -> Json:
    values = [_evaluate(argument, data, context) for argument in call.arguments]
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
        _fail_intrinsic(call, "the first argument must be a string")
    first = call.arguments[0]
    pieces = first.pieces if isinstance(first, Text) else tuple(template.split("{}"))
    if len(pieces) != len(rest) + 1:
        _fail_intrinsic(call, f"{len(pieces) - 1} times {{}} but {len(rest)} values to put there")
    shown = [_shown(call, value) for value in rest]
    return pieces[0] + "".join(map("".join, zip(shown, pieces[1:], strict=True)))


def _shown(call: Call, value: Json) -> str:
    if isinstance(value, dict | list):
        # Step Functions writes these as Java does, `{a=1}`, and does not say so: better none of it.
        _fail_intrinsic(call, "an object or array needs a States.JsonToString around it")
    return value if isinstance(value, str) else _to_json(value)


def _to_json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _from_json(call: Call, text: Json) -> Json:
    if not isinstance(text, str):
        _fail_intrinsic(call, "the argument must be a string")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _fail_intrinsic(call, f"not JSON: {error}")


def _fail_intrinsic(call: Call, why: str) -> NoReturn:
    raise DataFlowError("States.IntrinsicFailure", f"The function '{call.text}' failed: {why}.")


# Parsing


def _refuse(what: str) -> NoReturn:
    raise DataFlowError("States.Runtime", f"{what} is not run by the local target")


@lru_cache(maxsize=8192)
def _parse(text: str) -> Expression:
    expression, end = _parse_at(text, 0)
    if end != len(text) or isinstance(expression, Text | Constant):
        _refuse(f"'{text}'")
    return expression


def _parse_field(key: str, value: Json) -> Expression:
    if not isinstance(value, str):
        _refuse(f"'{key}' with a value that is not a string")
    return _parse(value)


def _parse_path(text: str) -> Path:
    expression = _parse(text)
    if not isinstance(expression, Path):
        _refuse(f"'{text}' in place of a path")
    return expression


def _parse_target(text: str) -> Path:
    path = _parse_path(text)
    if path.in_context:
        _refuse(f"The ResultPath '{text}'")
    return path


def _parse_at(text: str, start: int) -> tuple[Expression, int]:
    """The expression that begins at `start`, and where it ends."""
    if found := _PATH.match(text, start):
        return _path(found[0], text), found.end()
    if found := _STRING.match(text, start):
        return _string(found[1], text), found.end()
    if found := _CONSTANT.match(text, start):
        return Constant(json.loads(found[0])), found.end()
    if found := _FUNCTION.match(text, start):
        return _parse_call(text, start, found[1], found.end())
    _refuse(f"'{text}'")


def _parse_call(text: str, start: int, function: str, position: int) -> tuple[Call, int]:
    if function not in _FUNCTIONS:
        _refuse(f"The intrinsic States.{function} in '{text}'")
    arguments: list[Expression] = []
    while not (close := _CLOSE.match(text, position)):
        if arguments:
            comma = _COMMA.match(text, position)
            if not comma:
                _refuse(f"'{text}'")
            position = comma.end()
        argument, position = _parse_at(text, position)
        arguments.append(argument)
    call = Call(text[start : close.end()], function, tuple(arguments))
    _check_arguments(call)
    return call, close.end()


def _check_arguments(call: Call) -> None:
    count = len(call.arguments)
    if call.function != "Format":
        if count != 1:
            _refuse(f"'{call.text}' with {count} arguments")
    elif not count:
        _refuse(f"'{call.text}' without arguments")
    elif isinstance(template := call.arguments[0], Text) and len(template.pieces) != count:
        _refuse(f"'{call.text}', where the number of {{}} is not that of the values,")


def _path(text: str, whole: str) -> Path:
    in_context = text.startswith("$$")
    steps = tuple(_step(found) for found in _STEP.finditer(text))
    if in_context and not any(steps[: len(known)] == known for known in _CONTEXT):
        _refuse(f"'{text}' of the context object" + (f" in '{whole}'" if whole != text else ""))
    return Path(text, in_context, steps)


def _step(found: re.Match[str]) -> str | int:
    name, index, quoted = found.groups()
    if index is not None:
        return int(index)
    return str(name) if name is not None else re.sub(r"\\(.)", r"\1", quoted)


def _string(raw: str, whole: str) -> Text:
    """Reads the escapes `\\'`, `\\{`, `\\}` and `\\\\`, no other; a lone brace must be escaped."""
    pieces = [""]
    value = ""
    for escaped, placeholder, plain in _STRING_TOKEN.findall(raw):
        if placeholder:
            pieces.append("")
        elif plain in ("{", "}") or (escaped and escaped not in "'{}\\"):
            _refuse(f"A string with {plain or 'backslash ' + escaped} in '{whole}'")
        else:
            pieces[-1] += escaped or plain
        value += placeholder or escaped or plain
    return Text(value, tuple(pieces))
