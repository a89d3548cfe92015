"""Reads paths and intrinsic calls, each text once; refuses by name those that are not run here.

https://states-language.net/spec.html
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from sfnflow.asl import Json
from sfnflow.targets.local.execution import DataFlowError


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


def _refuse(what: str) -> NoReturn:
    raise DataFlowError("States.Runtime", f"{what} is not run by the local target")


@lru_cache(maxsize=8192)
def _parse(text: str) -> Expression:
    expression, end = _parse_at(text, 0)
    if end != len(text) or isinstance(expression, Text | Constant):
        _refuse(f"'{text}'")
    return expression


def parse_field(key: str, value: Json) -> Expression:
    """The value of a template's field whose name ends in `.$`: a path or an intrinsic."""
    if not isinstance(value, str):
        _refuse(f"'{key}' with a value that is not a string")
    return _parse(value)


def parse_path(text: str) -> Path:
    """A path to read from, in the data or in the context object."""
    expression = _parse(text)
    if not isinstance(expression, Path):
        _refuse(f"'{text}' in place of a path")
    return expression


def parse_target(text: str) -> Path:
    """A path to write to, a ResultPath."""
    path = parse_path(text)
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
