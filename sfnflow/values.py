"""Parameter values as people give them -> the text that Metaflow's `init` takes, checked first. Pure.

Every problem is found in one pass, and a value that passes arrives as it was given: no shell, no
reformatting.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sfnflow.errors import UsageError
from sfnflow.graph import Flow, Parameter

# What click, and so Metaflow, reads as a boolean.
_BOOLEANS = ("true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0")
_EXPECTED = {
    "int": "a whole number, such as 3",
    "float": "a number, such as 0.5",
    "bool": "true or false",
    "json": 'JSON, such as {"a": [1, 2]}',
    "file": "the path of a file that can be read",
}
_SHOWN = 60


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """`name=value` texts as a dict. UsageError when one has no `=` or a name comes twice."""
    values: dict[str, str] = {}
    problems = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            problems.append(f"-p {_shorten(text)}: expected name=value")
        elif name in values:
            problems.append(f"-p {name} is given twice")
        values[name] = value
    if problems:
        raise UsageError("Parameters are given as -p name=value.", details=problems)
    return values


def check_values(flow: Flow, given: Mapping[str, Any]) -> dict[str, str]:
    """The given values as text, by parameter name.

    A value is text, or JSON of the parameter's own type. UsageError naming each parameter that is
    unknown, missing or of the wrong type, with what was given and what is expected.
    """
    known = {parameter.name: parameter for parameter in flow.parameters}
    problems = [_unknown(name, known) for name in given if name not in known]
    texts: dict[str, str] = {}
    for name, value in given.items():
        if name in known:
            text = _to_text(known[name], value)
            texts[name] = text
            if not _fits(known[name], text):
                problems.append(
                    f"{name}: got {_shorten(text)!r}, expected {_expected(known[name])}"
                )
    problems += [
        f"{parameter.name}: required, but not given ({_expected(parameter)})"
        for parameter in flow.parameters
        if parameter.must_be_given and parameter.name not in given
    ]
    if problems:
        raise UsageError(
            f"{flow.name} cannot start with these parameters.",
            hint="Nothing was started. `-p name=value` gives a value.",
            details=problems,
        )
    return texts


def _fits(parameter: Parameter, text: str) -> bool:
    if parameter.choices:
        return text in parameter.choices
    match parameter.kind:
        case "int":
            return _converts(int, text)
        case "float":
            return _converts(float, text)
        case "bool":
            return text.strip().lower() in _BOOLEANS
        case "json":
            return _converts(json.loads, text)
        case "file":
            return _is_file(text)
        case "str" | "list":
            return True


def _converts(convert: Any, text: str) -> bool:
    try:
        convert(text)
    except ValueError:
        return False
    return True


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, RuntimeError):  # a name too long; a user that does not exist
        return False


def _to_text(parameter: Parameter, value: Any) -> str:
    if isinstance(value, str):
        return value
    if parameter.separator and isinstance(value, list):
        return parameter.separator.join(str(item) for item in value)
    return json.dumps(value)


def _expected(parameter: Parameter) -> str:
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    if parameter.kind == "list":
        return f"values separated by {parameter.separator!r}"
    return _EXPECTED.get(parameter.kind, "text")


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"{name}: the flow has no such parameter; did you mean {close[0]}?"
    return f"{name}: the flow has no such parameter; it has {', '.join(known) or 'none'}"


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
