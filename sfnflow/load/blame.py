"""Where an exception comes from, in the user's terms: their line, or what Metaflow was looking at."""

import ast
import os
import sys
import sysconfig
import traceback
from types import TracebackType
from typing import Any, NamedTuple

import metaflow

import sfnflow
from sfnflow.runtime.host import flow_classes

_HERE = os.getcwd()  # the user's; their file may go elsewhere
_TOOLS = (os.path.dirname(metaflow.__file__), os.path.dirname(sfnflow.__file__))
_LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib"))


class Subject(NamedTuple):
    """What Metaflow was looking at: a step, a parameter, a config expression, a `--with`."""

    place: str
    text: str
    is_option: bool = False


def place(file: str, line: int | None) -> str:
    """`file:line`, relative to where the user is when the file is below."""
    absolute = os.path.abspath(file)
    below = absolute.startswith(_HERE.rstrip(os.sep) + os.sep)
    shown = os.path.relpath(absolute, _HERE) if below else absolute
    return f"{shown}:{line}" if line else shown


def user_place(error: BaseException) -> str:
    """The innermost line of the user's own code that the exception went through; may be empty."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    return place(own[-1].filename, own[-1].lineno) if own else ""


def user_traceback(error: BaseException) -> list[str]:
    """The traceback without Metaflow's frames and ours; empty when no line of the user is in it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*_TOOLS, "<"))
    ]
    if not any(_is_own(frame.filename) for frame in frames):
        return []
    blocks = traceback.format_list(frames)
    return [line for block in blocks for line in block.rstrip().splitlines()]


def find_subject(error: BaseException) -> Subject | None:
    """What Metaflow was looking at when it raised the exception, if that can be told."""
    from metaflow.parameters import Parameter
    from metaflow.user_configs.config_parameters import DelayEvaluator

    expression = ""
    for frame in _frames_inside_out(error.__traceback__):
        names = frame.f_locals
        looked_at = names.get("self")
        if isinstance(looked_at, DelayEvaluator):
            expression = expression or f"config_expr({looked_at._config_expr!r})"
        elif isinstance(looked_at, Parameter):
            text = f"parameter {looked_at.name}{': ' if expression else ''}{expression}"
            return Subject(parameter_place(looked_at), text)
        elif frame.f_code.co_name == "_attach_decorators_to_step":
            return Subject("", f"--with {names['decospec']}", is_option=True)
        elif hasattr(names.get("step"), "is_step"):
            return _step(names["step"], names.get("deco"))
    return Subject("", expression) if expression else None


def _step(step: Any, decorator: Any) -> Subject:
    if not getattr(decorator, "statically_defined", True) and not decorator.inserted_by:
        return Subject("", f"--with {decorator.name}", is_option=True)
    code = step.__code__
    return Subject(place(code.co_filename, code.co_firstlineno), f"step {step.__name__}")


def parameter_place(parameter: Any) -> str:
    """Where a parameter stands in its flow's class; empty when it stands in none."""
    for flow in flow_classes(metaflow.FlowSpec):
        for variable, value in vars(flow).items():
            if value is parameter:
                return class_place(flow, variable)
    return ""


def class_place(flow: type, variable: str = "") -> str:
    """Where a flow's class stands, or an assignment in it."""
    module = sys.modules.get(flow.__module__)
    file = sys.argv[0] if flow.__module__ == "__main__" else getattr(module, "__file__", None)
    if not file:
        return ""
    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == flow.__name__:
            found = [stmt.lineno for stmt in node.body if variable in _assigned(stmt)]
            return place(file, found[-1] if found else node.lineno)
    return place(file, None)


def _assigned(statement: ast.stmt) -> list[str]:
    targets: list[Any] = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_own(file: str) -> bool:
    library = file.startswith((*_TOOLS, *_LIBRARIES, "<"))
    return not library and not {"site-packages", "dist-packages"} & set(file.split(os.sep))


def _frames_inside_out(tb: TracebackType | None) -> list[Any]:
    frames = []
    while tb:
        frames.append(tb.tb_frame)
        tb = tb.tb_next
    return frames[::-1]
