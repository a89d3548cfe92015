"""What goes wrong in a load, told in the user's terms: what, where, what to do."""

import sys
from typing import Any

from sfnflow.load import blame
from sfnflow.runtime.host import NoFlowError

_ENVIRONMENT_HINT = (
    "sfnflow has no --environment yet: install the packages where the steps run, "
    "in the image or in this environment, and take @conda and @pypi out."
)


class Problem(Exception):
    """A load that failed. `usage` when the command line or a configuration is to be mended."""

    def __init__(
        self, text: str, *, hint: str = "", lines: tuple[str, ...] = (), usage: bool = False
    ) -> None:
        super().__init__(text)
        self.text, self.hint, self.lines, self.usage = text, hint, lines, usage

    def to_json(self) -> dict[str, Any]:
        """As the loading process hands it over."""
        return {"text": self.text, "hint": self.hint, "lines": self.lines, "usage": self.usage}


def explain(error: BaseException, path: str) -> Problem:
    """Why `path` did not load."""
    from metaflow._vendor.click import ClickException, NoSuchOption
    from metaflow.exception import MetaflowException

    match error:
        case Problem():
            return error
        case NoFlowError():
            return _no_flow(error, path)
        case SyntaxError() if error.filename != "<string>":  # that is a config_expr
            return _syntax(error, path)
        case SystemExit():
            return _exit(error, path)
        case NoSuchOption():
            return Problem(
                f"{path} takes no {error.option_name}.",
                hint="--config and --config-value need a Config in the flow, "
                "--branch and --production need @project.",
                usage=True,
            )
        case ClickException():
            return Problem(
                f"{path}: {error.format_message()}.",
                hint="A Config gets its value from --config NAME=FILE or --config-value NAME=JSON.",
                usage=True,
            )
        case MetaflowException():
            return _metaflow(error, path)
        case _:
            return _raised(error, path)


def _no_flow(error: NoFlowError, path: str) -> Problem:
    if error.classes:
        name = error.classes[-1]
        return Problem(
            f"{path} defines {name} but does not start it.",
            hint=f'End the file with: if __name__ == "__main__": {name}()',
        )
    return Problem(
        f"There is no flow in {path}: it defines no FlowSpec.",
        hint="A flow is a class that derives from metaflow.FlowSpec.",
    )


def _syntax(error: SyntaxError, path: str) -> Problem:
    import traceback

    where = blame.place(error.filename, error.lineno) if error.filename else path
    return Problem(
        f"{path} does not load. {where} is not valid Python: {error.msg}",
        hint="Mend that line, then run the command again.",
        lines=tuple(line.rstrip() for line in traceback.format_exception_only(error)),
    )


def _exit(error: SystemExit, path: str) -> Problem:
    code = error.code
    said = f"exit code {code or 0}" if code is None or isinstance(code, int) else str(code)
    return Problem(
        f"{path} called sys.exit while it was loaded. {_colon(blame.user_place(error))}{said}",
        hint=_show_hint(path),
        lines=tuple(blame.user_traceback(error)),
    )


def _metaflow(error: Any, path: str) -> Problem:
    """Metaflow refuses something. Its own message tells what; we add where."""
    subject = blame.find_subject(error)
    place, about = blame.user_place(error), ""
    if error.source_file:
        place = blame.place(error.source_file, error.line_no)
    elif subject and not place:
        place, about = subject.place, subject.text
    text = str(error.message).replace("*", "")
    if subject and subject.is_option:
        return _bad_option(subject.text, text)
    no_environment = type(error).__name__ == "InvalidEnvironmentException"
    return Problem(
        f"{path} does not load. {_colon(place)}{_colon(about)}{text}",
        hint=_ENVIRONMENT_HINT if no_environment else _show_hint(path),
        lines=tuple(blame.user_traceback(error)),
    )


def _raised(error: BaseException, path: str) -> Problem:
    place, about = blame.user_place(error), ""
    text = f"{type(error).__name__}{': ' if str(error) else ''}{error}"
    if not place and (subject := blame.find_subject(error)):
        if subject.is_option:
            return _bad_option(subject.text, text)
        place, about = subject.place, subject.text
    return Problem(
        f"{path} does not load. {_colon(place)}{_colon(about)}{text}",
        hint=_import_hint(error) or _show_hint(path),
        lines=tuple(blame.user_traceback(error)),
    )


def _bad_option(option: str, text: str) -> Problem:
    return Problem(
        f"{option}: {text}",
        hint="It takes what `run --with` takes: NAME, or NAME:ATTRIBUTE=VALUE,ATTRIBUTE=VALUE.",
        usage=True,
    )


def _import_hint(error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    return (
        f"Install what provides {error.name} for {sys.executable}, "
        "or put the import inside of the step that needs it."
    )


def _show_hint(path: str) -> str:
    return f"`python {path} show` has to work first."


def _colon(text: str) -> str:
    return f"{text}: " if text else ""
