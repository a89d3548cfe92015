"""Runs a user's flow file as `__main__`, up to Metaflow's CLI, and hands over to a command of ours.

This is the one place that knows how a flow file comes alive: loading it at create, serving its tasks
and resuming it all start here, so the flow sees the same world each time as under `python flow.py`.
"""

import contextlib
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Command = Callable[[Any], None]

# Metaflow walks a graph by recursion, a frame or two a step: 1,000 steps in a row need more.
_DEEP_RECURSION = 20_000


class NoFlowError(Exception):
    """The file ran to its end without starting a flow. `classes` are the FlowSpecs it defines."""

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__("the file starts no flow")
        self.classes = tuple(classes)


def run_flow_file(script: str, top_options: Sequence[str], name: str, command: Command) -> None:
    """Runs `script` and calls `command(obj)` where Metaflow would run its CLI command `name`.

    `obj` is Metaflow's CLI state: configs, mutators, `--with` and every decorator's init have then
    run. `name` decides the phase that Metaflow shows to mutators: "step" is a task, another one a
    deployment. Raises NoFlowError, or whatever the user's file or Metaflow raises.
    """

    def on_flow(flow: Any, mf_cli: Any) -> None:
        from metaflow._vendor import click

        @click.command(name)  # type: ignore[untyped-decorator]
        @click.pass_obj  # type: ignore[untyped-decorator]
        def ours(obj: Any) -> None:
            command(obj)

        mf_cli.cli.lazy_subcommands.pop(name, None)
        mf_cli.cli.add_command(ours)
        _start(flow, mf_cli, [*top_options, name])

    _run(script, on_flow)


def _start(flow: Any, mf_cli: Any, args: list[str]) -> None:
    """metaflow.cli.main, but one that raises where that prints and exits."""
    warnings.filterwarnings("ignore")
    state = mf_cli.CliState(flow)
    state.entrypoint = sys.argv[:1]
    try:
        mf_cli.start.main(
            args=args, obj=state, auto_envvar_prefix="METAFLOW", standalone_mode=False
        )
    finally:
        for sidecar in ("monitor", "event_logger"):
            if getattr(state, sidecar, None) is not None:
                getattr(state, sidecar).terminate()


def run_flow_command(script: str, args: Sequence[str], prepare: Callable[[], None]) -> int:
    """Runs one of Metaflow's own commands, as `python script args` would, and returns its exit code.

    `prepare` is called before the flow's class exists. Tasks that the command starts come back here.
    """
    code = 0

    def on_flow(flow: Any, mf_cli: Any) -> None:
        nonlocal code
        entrypoint = [sys.executable, "-P", "-m", "sfnflow.runtime.flow", script]
        code = int(mf_cli.main(flow, args=list(args), entrypoint=entrypoint) or 0)

    prepare()
    _run(script, on_flow)
    return code


def _run(script: str, on_flow: Callable[[Any, Any], None]) -> None:
    import metaflow
    from metaflow.parameters import flow_context

    construct = metaflow.FlowSpec.__init__
    ended: list[BaseException | None] = []

    def hooked(self: Any, use_cli: bool = True) -> None:
        construct(self, use_cli=False)
        if not use_cli:
            return
        sys.argv = [script]  # Metaflow reads it, and the file may have changed it
        _adopt_main_module()
        try:
            with flow_context(type(self)):
                # metaflow.cli reads the flow in context when it is first imported, hence not earlier.
                import metaflow.cli

                on_flow(self, metaflow.cli)
            ended.append(None)
        except BaseException as error:  # noqa: BLE001 - raised again below, past the user's handlers
            ended.append(error)
        raise _FlowEnded(0)

    metaflow.FlowSpec.__init__ = hooked
    _walk_long_graphs()
    # As after `python script`, which resolves links; we ourselves are started with -P, so that
    # nothing else is in the way.
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    before = set(flow_classes(metaflow.FlowSpec))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit:
        if not ended:
            raise
    if not ended:
        raise NoFlowError([c.__name__ for c in flow_classes(metaflow.FlowSpec) if c not in before])
    if ended[0] is not None:
        raise ended[0]


class _FlowEnded(SystemExit):
    """Leaves the user's file once the flow has been served, as Metaflow does after a command."""


def flow_classes(base: type) -> list[type]:
    """All classes below `base`."""
    children: list[type] = base.__subclasses__()
    return [flow for child in children for flow in (child, *flow_classes(child))]


@contextlib.contextmanager
def deep_recursion() -> Iterator[None]:
    """For Metaflow's walks of a graph only: user code that recurses through C would crash."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP_RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _walk_long_graphs() -> None:
    from metaflow.graph import FlowGraph

    walk = FlowGraph._traverse_graph

    def walk_deep(self: Any) -> None:
        with deep_recursion():
            walk(self)

    FlowGraph._traverse_graph = walk_deep


def _adopt_main_module() -> None:
    """Puts ForeachFrame where unpickling looks for it.

    metaflow.tuple_util pins the class to `__main__` when it is imported, which is before the flow
    file becomes `__main__`.
    """
    from metaflow.tuple_util import ForeachFrame

    sys.modules["__main__"].ForeachFrame = ForeachFrame  # type: ignore[attr-defined]
