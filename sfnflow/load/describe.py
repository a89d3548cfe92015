"""Metaflow's CLI state -> plain data in the shape of `graph.Flow`. Runs in the loading process.

It holds to types that JSON has, and imports no pydantic: a load is mostly start-up time.
"""

import json
import os
from itertools import chain
from typing import Any

from sfnflow.load.blame import place
from sfnflow.load.files import code_files
from sfnflow.load.lint import lint
from sfnflow.load.parameters import Parameters, to_plain
from sfnflow.load.problems import Problem

_KINDS = {"start": "linear", "linear": "linear", "split": "split", "split-switch": "switch"}
# The CPUs, MB of memory and GPUs of a @batch step that says nothing (metaflow's ResourcesDecorator).
_RESOURCES = {"cpu": 1, "memory": 4096, "gpu": 0}


def describe(obj: Any, script: str) -> dict[str, Any]:
    """The flow and what its tasks need besides. Raises Problem with all that is wrong with it."""
    parameters = Parameters(obj.flow)
    static = [*lint(obj.graph, type(obj.flow)), *parameters.check(), *_check_configs(obj.flow)]
    _refuse(script, static)
    _refuse(script, [*parameters.compute()])  # not for a flow that is refused anyway
    included = [(path, f"_sfnflow/files/{name}") for name, path in parameters.files()]
    return {
        "flow": _flow(obj, parameters, script),
        "files": [*code_files(obj, script), *included],
        "configs": _configs(obj.flow),
        "decospecs": _decospecs(obj),
    }


def _refuse(script: str, problems: list[str]) -> None:
    if problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise Problem(
            f"{place(script, None)} has {count} to be mended first.",
            hint="Each problem begins with the place to look at.",
            lines=tuple(line for problem in problems for line in problem.splitlines()),
        )


def _configs(flow: Any) -> dict[str, Any]:
    from metaflow.user_configs.config_parameters import dump_config_values

    return dict(dump_config_values(flow))


def _check_configs(flow: Any) -> list[str]:
    found = []
    for name, value in _configs(flow).get("user_configs", {}).items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            found.append(f"Config {name}: tasks get it as JSON, which cannot hold it: {error}")
    return found


def _decospecs(obj: Any) -> list[str]:
    """The `--with` that tasks must see again: the user's, and those Metaflow's config adds."""
    from metaflow.metaflow_config import DEFAULT_DECOSPECS

    return [*obj.tl_decospecs, *(obj.environment.decospecs() or []), *DEFAULT_DECOSPECS.split()]


def _flow(obj: Any, parameters: Parameters, script: str) -> dict[str, Any]:
    flow, graph = obj.flow, obj.graph
    return {
        "name": flow.name,
        "file": script,
        "doc": graph.doc,
        "start": graph.start_step,
        "end": graph.end_step,
        "steps": [_step(graph, graph[name]) for name in graph.sorted_nodes],
        "parameters": parameters.describe(),
        "decorators": [
            {"name": d.name, "attributes": _attributes(d)} for d in _flow_decorators(flow)
        ],
        "schedule": _schedule(flow),
        "project": _project(),
        "tags": sorted(t for t in obj.metadata.sticky_sys_tags if t.startswith("project")),
    }


def _flow_decorators(flow: Any) -> list[Any]:
    from metaflow.decorators import flow_decorators

    return list(flow_decorators(flow))


def _attributes(decorator: Any) -> dict[str, Any]:
    return {key: to_plain(v) for key, v in decorator.attributes.items() if v is not None}


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
    return str(_KINDS.get(node.type, node.type))


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
        attributes = to_plain({"args": wrapper._args, **wrapper._kwargs})
        name = wrapper.decorator_name
        found.append({"name": name, "attributes": attributes, "source": _source(wrapper)})
    return found


def _source(decorator: Any) -> str:
    """Where a decorator comes from: the file, `--with`, or what inserted it."""
    if decorator.inserted_by:
        return ", ".join(decorator.inserted_by)
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
