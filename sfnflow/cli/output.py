"""Data on stdout, talk on stderr. Colour and movement only on a terminal (NO_COLOR, FORCE_COLOR)."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from sfnflow.errors import SfnflowError

SCHEMA = 1
"""Of the documents that --json prints; it is raised when a field goes or changes its meaning."""

# Columns where nobody looks at a screen: nothing is wrapped or cut for a program or a log.
_WIDE = 1000

STATUS_STYLES = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "bold red",
    "TIMED_OUT": "bold red",
    "ABORTED": "yellow",
    "INTERRUPTED": "bold yellow",
}


def stdout() -> Console:
    """Where results go. Off a terminal, lines are as long as they are."""
    width = None if sys.stdout.isatty() else _WIDE
    return Console(highlight=False, width=width)


def stderr() -> Console:
    """Where talk goes."""
    width = None if sys.stderr.isatty() else _WIDE
    return Console(stderr=True, highlight=False, soft_wrap=True, width=width)


def say(text: str) -> None:
    """Talks to a person."""
    stderr().print(text, markup=False)


def emit(console: Console, renderable: RenderableType) -> None:
    """Prints a table or the like; off a terminal, without the blanks that pad its last column."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as capture:
        console.print(renderable)
    lines = capture.get().splitlines()
    console.file.write("".join(f"{line.rstrip()}\n" for line in lines))
    console.file.flush()


def print_json(document: dict[str, Any]) -> None:
    """One document for a program to read."""
    sys.stdout.write(json.dumps({"schema": SCHEMA, **document}, default=_plain, indent=2) + "\n")


def print_next(*commands: str) -> None:
    """The commands that people type next, ready to paste."""
    console = stderr()
    console.print("\nNext:", style="bold")
    for command in commands:
        console.print(f"  {command}", markup=False)


def print_error(error: SfnflowError) -> None:
    """What happened and why; the details; what to do next."""
    console = stderr()
    console.print(Text.assemble(("Error: ", "bold red"), error.message))
    for line in error.details:
        console.print(Text(f"  {line}"))
    if error.hint:
        console.print(Text.assemble(("Hint: ", "bold"), error.hint))


def status_text(status: str) -> Text:
    """A run's status in its colour."""
    return Text(status, style=STATUS_STYLES.get(status, ""))


def ago(moment: datetime) -> str:
    """How long ago, roughly: 5s ago, 3m ago, 2h ago, 4d ago."""
    return f"{_rough(datetime.now(UTC) - moment)} ago"


def lasted(start: datetime | None, end: datetime | None) -> str:
    """How long something took, or has taken until now; empty when it has not begun."""
    if start is None:
        return ""
    span = (end or datetime.now(UTC)) - start
    seconds = span.total_seconds()
    return f"{seconds:.1f}s" if seconds < 60 else _rough(span)


def _rough(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, unit, smaller, name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit}{f' {rest}{name}' if rest else ''}"
    return f"{seconds}s"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
