"""Runs a user's flow file as `__main__`, up to Metaflow's CLI, and hands over to a command of ours.

This is the one place that knows how a flow file comes alive: loading it at create, serving its tasks
and resuming it all start here, so the flow sees the same world each time as under `python flow.py`.
"""

import os
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any

Command = Callable[[Any], None]


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

        called = False

        @click.command(name)  # type: ignore[untyped-decorator]
        @click.pass_obj  # type: ignore[untyped-decorator]
        def ours(obj: Any) -> None:
            nonlocal called
            called = True
            command(obj)

        mf_cli.cli.lazy_subcommands.pop(name, None)
        mf_cli.cli.add_command(ours)
        args = [*top_options, name]
        code = mf_cli.main(flow, args=args, handle_exceptions=False, entrypoint=sys.argv[:1])
        if not called:  # click has printed what is wrong with an option
            raise SystemExit(code or 1)

    _run(script, on_flow)


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

    def hooked(self: Any, use_cli: bool = True) -> None:
        construct(self, use_cli=False)
        if not use_cli:
            return
        _adopt_main_module()
        with flow_context(type(self)):
            # metaflow.cli reads the flow in context when it is first imported, hence not earlier.
            import metaflow.cli

            on_flow(self, metaflow.cli)
        raise _FlowEnded

    metaflow.FlowSpec.__init__ = hooked
    # As after `python script`; we ourselves are started with -P, so that nothing else is in the way.
    sys.argv = [script]
    sys.path.insert(0, os.path.dirname(script))
    before = set(_flow_classes(metaflow.FlowSpec))
    try:
        runpy.run_path(script, run_name="__main__")
    except _FlowEnded:
        return
    raise NoFlowError([c.__name__ for c in _flow_classes(metaflow.FlowSpec) if c not in before])


class _FlowEnded(BaseException):
    """Leaves the user's file once the flow has been served; nothing of theirs should catch it."""


def _flow_classes(base: type) -> list[type]:
    children: list[type] = base.__subclasses__()
    return [flow for child in children for flow in (child, *_flow_classes(child))]


def _adopt_main_module() -> None:
    """Puts ForeachFrame where unpickling looks for it.

    metaflow.tuple_util pins the class to `__main__` when it is imported, which is before the flow
    file becomes `__main__`.
    """
    from metaflow.tuple_util import ForeachFrame

    sys.modules["__main__"].ForeachFrame = ForeachFrame  # type: ignore[attr-defined]
