"""A flow's parameters -> plain data. Deploy-time functions are called here, each exactly once."""

import os
from collections.abc import Iterator
from typing import Any

from sfnflow.load import blame

_TYPES: dict[type, str] = {
    int: "int",
    float: "float",
    bool: "bool",
    str: "str",
    dict: "json",
    list: "json",
}


class Parameters:
    """The parameters of a flow, Configs not among them, and what is wrong with them."""

    def __init__(self, flow: Any) -> None:
        self._parameters = [
            (variable, parameter)
            for variable, parameter in flow._get_parameters()
            if not parameter.IS_CONFIG_PARAMETER
        ]
        self._computed: dict[str, Any] = {}

    def check(self) -> Iterator[str]:
        """`file:line: message` for what is wrong before any function is called."""
        seen: set[str] = set()
        for _, parameter in self._parameters:
            problems = [_bad_default(parameter)]
            if parameter.name.lower() in seen:
                problems.append("there is another of that name; upper and lower case are the same")
            seen.add(parameter.name.lower())
            yield from (_line(parameter, problem) for problem in problems if problem)

    def compute(self) -> Iterator[str]:
        """Calls the deploy-time functions; `file:line: message` for those that fail."""
        for _, parameter in self._parameters:
            problem = self._compute(parameter)
            if problem:
                yield _line(parameter, problem)

    def describe(self) -> list[dict[str, Any]]:
        """In the shape of `graph.Parameter`."""
        return [
            {
                "name": parameter.name,
                "variable": variable,
                "kind": _kind(parameter),
                "required": bool(parameter.kwargs.get("required")),
                "default": self._computed[parameter.name],
                "deploy_time": _is_deploy_time(parameter) and _kind(parameter) != "file",
                "help": parameter.kwargs.get("help") or "",
                "separator": parameter.separator,
                "choices": list(getattr(parameter.kwargs.get("type"), "choices", ())),
            }
            for variable, parameter in self._parameters
        ]

    def files(self) -> list[tuple[str, str]]:
        """(parameter, path) of each IncludeFile that has a default."""
        return [
            (parameter.name, _path(self._computed[parameter.name]))
            for _, parameter in self._parameters
            if _kind(parameter) == "file" and self._computed[parameter.name] is not None
        ]

    def _compute(self, parameter: Any) -> str:
        """Fixes the default; returns what is wrong."""
        from metaflow.exception import ParameterFieldFailed, ParameterFieldTypeMismatch

        default = parameter.kwargs.get("default")
        if not _is_deploy_time(parameter):
            self._computed[parameter.name] = to_plain(default)
            return ""
        is_file = _kind(parameter) == "file"
        try:
            # Other than the rest, an IncludeFile uploads when it hears of a deployment.
            value = self._computed[parameter.name] = default(deploy_time=not is_file)
        except ParameterFieldFailed as failure:
            cause = failure.__context__
            while isinstance(cause, ParameterFieldFailed):  # an IncludeFile's own function
                cause = cause.__context__
            at = f" at {blame.user_place(cause)}" if cause and blame.user_place(cause) else ""
            return f"its deploy-time function failed{at}: {type(cause).__name__}: {cause}"
        except ParameterFieldTypeMismatch as mismatch:
            return str(mismatch.message).replace("*", "")
        if is_file and not os.path.isfile(_path(value)):
            return f"its default file {_path(value)} does not exist"
        return ""


def to_plain(value: Any) -> Any:
    """Plain JSON data; Metaflow's own to_pod makes the string "None" of a None."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    return str(value)


def _line(parameter: Any, problem: str) -> str:
    place = blame.parameter_place(parameter)
    return f"{place}{': ' if place else ''}parameter {parameter.name}: {problem}"


def _path(default: str) -> str:
    return os.path.abspath(os.path.expanduser(default))


def _is_deploy_time(parameter: Any) -> bool:
    from metaflow.parameters import DeployTimeField

    return isinstance(parameter.kwargs.get("default"), DeployTimeField)


def _bad_default(parameter: Any) -> str:
    """What Metaflow will say of the default when a run starts; empty when it fits its type."""
    from metaflow._vendor import click
    from metaflow.parameters import JSONTypeClass

    default, declared = parameter.kwargs.get("default"), parameter.kwargs.get("type")
    checkable = declared in (int, float, bool) or isinstance(
        declared, (JSONTypeClass, click.Choice)
    )
    if default is None or _is_deploy_time(parameter) or not checkable:
        return ""
    try:
        click.types.convert_type(declared).convert(default, None, None)
    except click.BadParameter as error:
        return f"its default does not fit its type: {error.message}"
    return ""


def _kind(parameter: Any) -> str:
    from metaflow.includefile import FilePathClass
    from metaflow.parameters import JSONTypeClass

    declared = parameter.kwargs.get("type")
    if isinstance(declared, FilePathClass):
        return "file"
    if isinstance(declared, JSONTypeClass):
        return "json"
    if parameter.separator:
        return "list"
    name = getattr(declared, "name", "")  # click's own types: INT, FLOAT, BOOL, Choice, Path
    by_name: str = {"integer": "int", "float": "float", "boolean": "bool"}.get(name, "str")
    return _TYPES.get(declared, by_name) if isinstance(declared, type) else by_name
