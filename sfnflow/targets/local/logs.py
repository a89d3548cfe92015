"""Reads the logs of a task back: Metaflow's files, in the format of runtime.logs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sfnflow.targets import LogLine, Task

# metaflow.mflog.mflog: [MFLOG|version|utc time Z|source|line id]text
_LINE = re.compile(rb"(?:\[!)?\[MFLOG\|0\|(.+?)Z\|.+?\|.+?\](.*)")


def read_lines(task: Task, logs: list[tuple[str, Path]], skip: dict[str, int]) -> Iterator[LogLine]:
    """The whole lines of a task's logs in the order of their times, both streams together.

    `logs` are (stream, file). `skip` says how many bytes of a file were read before; it is brought up
    to date, so that a caller who follows passes it again.
    """
    lines = [line for stream, path in logs for line in _new_lines(task, stream, path, skip)]
    earliest = datetime.min.replace(tzinfo=UTC)
    yield from sorted(lines, key=lambda line: line.time or earliest)


def _new_lines(task: Task, stream: str, path: Path, skip: dict[str, int]) -> Iterator[LogLine]:
    key = str(path)
    try:
        with path.open("rb") as file:
            file.seek(skip.get(key, 0))
            data = file.read()
    except FileNotFoundError:
        return
    whole, newline, _ = data.rpartition(b"\n")
    skip[key] = skip.get(key, 0) + len(whole) + len(newline)
    for raw in whole.split(b"\n") if newline else ():
        found = _LINE.match(raw)
        if found:
            time = datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)
            yield LogLine(task, stream, time, found[2].decode(errors="replace"))
        else:
            yield LogLine(task, stream, None, raw.decode(errors="replace"))
