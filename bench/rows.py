"""What a bench finds out, one row each; and how all of them are shown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Row:
    """One measurement. Without a requirement it only informs, and `met` is None.

    `ours` and `theirs` are texts with their units; `ratio` is whatever the requirement bounds, which
    `what` says where it is not ours over theirs.
    """

    what: str
    ours: str
    theirs: str = ""
    ratio: float | None = None
    required: str = ""
    met: bool | None = None
    note: str = ""


def at_least(what: str, ours: str, theirs: str, ratio: float, limit: float, note: str = "") -> Row:
    """A row whose ratio has to reach the limit."""
    return Row(what, ours, theirs, ratio, f">= {limit:g}", ratio >= limit, note)


def at_most(what: str, ours: str, theirs: str, ratio: float, limit: float, note: str = "") -> Row:
    """A row whose ratio must not pass the limit."""
    return Row(what, ours, theirs, ratio, f"<= {limit:g}", ratio <= limit, note)


def failed(what: str, required: str, error: Exception) -> Row:
    """A row for what could not even be measured: a requirement that is missed."""
    return Row(what, "failed", required=required, met=False, note=str(error))


def show(rows: Sequence[Row]) -> None:
    """The table on stdout, and the notes below it."""
    terminal = Console()
    console = Console(width=max(terminal.width, 120))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("what", "ours", "theirs", "ratio", "required", "verdict"):
        right = column in ("ours", "theirs", "ratio")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    notes = []
    for row in rows:
        if row.note:
            notes.append(row.note)
        mark = f" [{len(notes)}]" if row.note else ""
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        what = Text(row.what + mark)
        table.add_row(what, row.ours, row.theirs, ratio, row.required, _verdict(row.met))
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"[{number}] {note}", markup=False, highlight=False)


def write_json(rows: Sequence[Row], file: Path) -> None:
    """The rows as they are, for a program to compare."""
    file.write_text(json.dumps({"schema": 1, "rows": [asdict(row) for row in rows]}, indent=2))


def _verdict(met: bool | None) -> Text:
    if met is None:
        return Text("")
    return Text("met", style="green") if met else Text("MISSED", style="bold red")
