"""What jobs write of themselves while they run (sfnflow.runtime.child), read back after a kill."""

import json
from pathlib import Path
from typing import NamedTuple


class Record(NamedTuple):
    """A job's word: which attempt at which place of the execution has started, or is done."""

    id: str
    attempt: int
    place: str
    step: str
    path: str
    state: str


def read_records(file: Path) -> list[Record]:
    """The records in their order. A line that was cut short is taken out of the file as well, so
    that the next one does not begin behind it."""
    if not file.exists():
        return []
    data = file.read_bytes()
    whole, newline, rest = data.rpartition(b"\n")
    if rest:
        with file.open("r+b") as writable:
            writable.truncate(len(whole) + len(newline))
    return [Record(**json.loads(line)) for line in whole.splitlines()]
