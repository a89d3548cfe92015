"""Metaflow's linter, but all that it finds: its own runner stops at the first issue."""

import copy
import graphlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from sfnflow.load import blame
from sfnflow.runtime.host import deep_recursion

# What a check may raise on a graph that another check refuses.
_TRIPPED = (KeyError, IndexError, AttributeError, TypeError, RecursionError)


def lint(graph: Any, flow: type) -> list[str]:
    """`file:line: message` for each issue, in the order of the lines."""
    from metaflow.lint import linter

    found: dict[frozenset[str], tuple[str, int, str]] = {}
    tripped: Exception | None = None
    for check in linter._checks:
        if not any(getattr(linter, attribute) for attribute in check.attrs):
            continue
        if check.__name__ == "check_for_acyclicity" and _is_acyclic(graph):
            continue
        try:
            for issue in _issues(check, graph):
                text = issue.message.replace("*", "")
                # A loop is found from each of its steps: the same words in another order.
                words = frozenset(re.findall(r"\w+", text))
                found.setdefault(words, (issue.source_file or "", issue.line_no or 0, text))
        except _TRIPPED as error:
            tripped = error
    if tripped and not found:
        raise tripped
    return [
        f"{blame.place(file, line) if file else blame.class_place(flow)}: {text}"
        for file, line, text in sorted(found.values())
    ]


def _is_acyclic(graph: Any) -> bool:
    """What Metaflow's check finds by walking every path from every step, in one pass.

    A switch may go back to its own step. Where there is a loop, Metaflow's check words it.
    """
    edges = {
        node.name: [n for n in node.out_funcs if n != node.name or node.type != "split-switch"]
        for node in graph
    }
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError:
        return False
    return True


def _issues(check: Callable[[Any], None], graph: Any) -> Iterator[Any]:
    """One for the whole graph; if there is one, those of each step seen alone."""
    whole = _first_issue(check, graph, list(graph))
    if whole is None:
        return
    for node in graph:
        for variant in _variants(check, graph, node):
            issue = _first_issue(check, graph, [variant])
            if issue is not None:
                yield issue
    yield whole


def _variants(check: Callable[[Any], None], graph: Any, node: Any) -> list[Any]:
    """The step; where a check looks at its first unknown transition only, one for each of them."""
    if check.__name__ != "check_unknown_transitions":
        return [node]
    return [_with_next(node, [name]) for name in node.out_funcs if name not in graph]


def _first_issue(check: Callable[[Any], None], graph: Any, seen: list[Any]) -> Any:
    from metaflow.lint import LintWarn

    known = {
        node.name: _with_next(node, [name for name in node.out_funcs if name in graph])
        for node in graph
    }
    # Most checks follow transitions, and trip over those to a step that does not exist.
    mended = [known[node.name] for node in seen]
    for nodes, visible in ((graph.nodes, seen), (known, mended)):
        try:
            with deep_recursion():
                check(_View(graph, nodes, visible))
            return None
        except LintWarn as issue:
            return issue
        except _TRIPPED:
            if nodes is known:
                raise
    return None


def _with_next(node: Any, names: list[str]) -> Any:
    changed = copy.copy(node)
    changed.out_funcs = names
    return changed


class _View:
    """A graph of which a check that loops over the steps sees but some."""

    def __init__(self, graph: Any, nodes: dict[str, Any], visible: list[Any]) -> None:
        self._graph, self.nodes, self._visible = graph, nodes, visible

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def __getitem__(self, name: str) -> Any:
        return self.nodes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[Any]:
        return iter(self._visible)
