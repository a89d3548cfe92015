"""Metaflow's CLI state -> plain data in the shape of `graph.Flow`. Runs in the child process.

It holds to types that JSON has, and imports no pydantic: a load is mostly start-up time.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

_KINDS = {"start": "linear", "linear": "linear", "split": "split", "split-switch": "switch"}
_TYPES: dict[type, str] = {int: "int", float: "float", bool: "bool", str: "str", dict: "json", list: "json"}
# The CPUs, MB of memory and GPUs of a @batch step that says nothing (metaflow's ResourcesDecorator).
_RESOURCES = {"cpu": 1, "memory": 4096, "gpu": 0}


class ParameterProblem(Exception):
    """A deploy-time value could not be had; the text says of which parameter and why."""


def describe_flow(obj: Any) -> dict[str, Any]:
    """The whole flow as a dict that `graph.Flow` validates."""
    flow, graph = obj.flow, obj.graph
    return {
        "name": flow.name,
        "file": os.path.abspath(sys.argv[0]),
        "doc": graph.doc,
        "start": graph.start_step,
        "end": graph.end_step,
        "steps": [_step(graph, graph[name]) for name in graph.sorted_nodes],
        "parameters": [_parameter(variable, p) for variable, p in _parameters(flow)],
        "decorators": [
            {"name": d.name, "attributes": _attributes(d)} for d in _flow_decorators(flow)
        ],
        "schedule": _schedule(flow),
        "project": _project(),
        "tags": sorted(t for t in obj.metadata.sticky_sys_tags if t.startswith("project")),
    }


def parameter_files(flow: Any) -> Iterator[tuple[str, str]]:
    """(parameter, path) of each IncludeFile that has a default: the file goes into the snapshot."""
    for _, parameter in _parameters(flow):
        if _kind(parameter) == "file":
            default = _default(parameter)
            if default is not None:
                path = os.path.abspath(os.path.expanduser(default))
                if not os.path.isfile(path):
                    raise ParameterProblem(
                        f"parameter {parameter.name}: its default file {path} does not exist"
                    )
                yield parameter.name, path


def _parameters(flow: Any) -> Iterator[tuple[str, Any]]:
    for variable, parameter in flow._get_parameters():
        if not parameter.IS_CONFIG_PARAMETER:
            yield variable, parameter


def _flow_decorators(flow: Any) -> list[Any]:
    from metaflow.decorators import flow_decorators

    return list(flow_decorators(flow))


def _pod(value: Any) -> Any:
    """Plain JSON data; Metaflow's own to_pod makes the string "None" of a None."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _pod(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_pod(item) for item in value]
    return str(value)


def _attributes(decorator: Any) -> dict[str, Any]:
    return {key: _pod(v) for key, v in decorator.attributes.items() if v is not None}


def _step(graph: Any, node: Any) -> dict[str, Any]:
    counts = [decorator.step_task_retry_count() for decorator in node.decorators]
    kind = _step_kind(node)
    return {
        "name": node.name,
        "kind": kind,
        "next": list(dict.fromkeys(node.out_funcs)),
        "parents": list(node.in_funcs),
        "splits": list(node.split_parents),
        "branch": _branch(graph, node),
        "matching_join": node.matching_join,
        "foreach": node.foreach_param,
        "condition": node.condition,
        "cases": {str(case): step for case, step in node.switch_cases.items()},
        "num_parallel": node.num_parallel if kind == "parallel" else None,
        "doc": node.doc,
        "file": os.path.abspath(node.source_file),
        "line": node.func_lineno,
        "decorators": _decorators(node),
        "retries": max([user for user, _ in counts], default=0),
        "fallbacks": max([fallback for _, fallback in counts], default=0),
        "timeout_seconds": next((d.secs for d in node.decorators if d.name == "timeout"), None),
        "environment": {
            str(key): str(value)
            for d in node.decorators
            if d.name == "environment"
            for key, value in d.attributes["vars"].items()
        },
        "resources": _resources(node),
    }


def _step_kind(node: Any) -> str:
    if node.type == "foreach":
        return "parallel" if node.parallel_foreach else "foreach"
    return _KINDS.get(node.type, node.type)


def _branch(graph: Any, node: Any) -> str | None:
    """The arm of the innermost open split that the step stands in."""
    open_splits = node.split_parents[:-1] if node.type == "join" else node.split_parents
    if not open_splits:
        return None
    arms = graph[open_splits[-1]].out_funcs
    return next((arm for arm in arms if arm in node.split_branches), None)


def _decorators(node: Any) -> list[dict[str, Any]]:
    found = [
        {"name": d.name, "attributes": _attributes(d), "source": _source(d)}
        for d in node.decorators
    ]
    for wrapper in chain(node.wrappers, node.config_decorators):
        attributes = _pod({"args": wrapper._args, **wrapper._kwargs})
        name = wrapper.decorator_name
        found.append({"name": name, "attributes": attributes, "source": _source(wrapper)})
    return found


def _source(decorator: Any) -> str:
    """Where a decorator comes from: the file, `--with`, or what inserted it."""
    if decorator.inserted_by:
        return str(decorator.inserted_by)
    return "static" if decorator.statically_defined else "with"


def _resources(node: Any) -> dict[str, Any]:
    """CPUs, memory (MB) and GPUs: the most that any of the step's decorators asks for."""
    found: dict[str, Any] = {}
    for decorator in node.decorators:
        if decorator.name not in ("resources", "batch", "kubernetes"):
            continue
        for key, default in _RESOURCES.items():
            given = decorator.attributes.get(key)
            if given is not None and float(given) != default:
                amount = float(given)
                found[key] = max(amount, found.get(key, 0.0))
    return {key: int(value) if value == int(value) else value for key, value in found.items()}


def _parameter(variable: str, parameter: Any) -> dict[str, Any]:
    from metaflow.parameters import DeployTimeField

    kwargs = parameter.kwargs
    kind = _kind(parameter)
    computed = isinstance(kwargs.get("default"), DeployTimeField)
    return {
        "name": parameter.name,
        "variable": variable,
        "kind": kind,
        "required": bool(kwargs.get("required")),
        "default": _default(parameter),
        "deploy_time": computed and kind != "file",
        "help": kwargs.get("help") or "",
        "separator": parameter.separator,
        "choices": list(getattr(kwargs.get("type"), "choices", ())),
    }


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


def _default(parameter: Any) -> Any:
    """The default fixed now: a deploy-time function is called, an IncludeFile gives its path."""
    from metaflow.parameters import DeployTimeField, ParameterFieldFailed, deploy_time_eval

    default = parameter.kwargs.get("default")
    if not isinstance(default, DeployTimeField):
        return _pod(default)
    if _kind(parameter) == "file":
        return default(deploy_time=False)
    if not hasattr(default, "fixed"):
        try:
            default.fixed = deploy_time_eval(default)
        except ParameterFieldFailed as failure:
            cause = failure.__context__
            raise ParameterProblem(
                f"parameter {parameter.name}: its deploy-time function failed: "
                f"{type(cause).__name__}: {cause}"
            ) from cause
    return default.fixed


def _schedule(flow: Any) -> dict[str, Any] | None:
    for decorator in _flow_decorators(flow):
        if decorator.name == "schedule" and decorator.schedule:
            return {"cron": decorator.schedule, "timezone": decorator.timezone}
    return None


def _project() -> dict[str, Any] | None:
    from metaflow import current

    if not current.get("project_name"):
        return None
    return {
        "name": current.get("project_name"),
        "branch": current.get("branch_name"),
        "flow_name": current.get("project_flow_name"),
        "production": bool(current.get("is_production")),
    }
