"""How a finished task tells the next one that it may start from it: by objects whose keys say it all.

    <ledger>/<Flow>/<run>/inbox/<step>/<index path>/<slot>~<parent step>~<task id>
    <ledger>/<Flow>/<run>/items/<step>/<index path>.json

A task lists its own inbox once and knows its parents. The slot is the place of the parent among a
join's inputs: the index of a foreach, the branch of a split. The state machine reads the items file
to fan out. Nothing is ever updated, so a note that an earlier attempt left is told by its age.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

ROOT = "_"
"""The index path of a task outside of any foreach, as it stands in a key."""


class Entry(NamedTuple):
    """One object below a prefix: the last part of its key, and when it was written (epoch seconds)."""

    name: str
    written: float


class Store(Protocol):
    """The few things the ledger needs of an object store. Keys are relative to the store's root."""

    def put(self, key: str, body: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def list(self, prefix: str) -> Iterable[Entry]: ...


@dataclass(frozen=True, slots=True)
class Note:
    """What a finished task leaves behind: which step and task it was, and its slot in the inbox."""

    slot: str
    step: str
    task: str
    written: float = 0.0


def parent_path(path: str) -> str:
    """The index path one foreach further out."""
    return path.rpartition(".")[0]


def last_index(path: str) -> int:
    """The index in the innermost foreach."""
    return int(path.rpartition(".")[2])


class Ledger:
    """The hand-off of one run."""

    def __init__(self, store: Store, flow: str, run: str) -> None:
        self._store = store
        self._root = f"{flow}/{run}"

    def leave_note(self, step: str, path: str, note: Note) -> None:
        """Tells `step` at `path` that one of its parents is done."""
        key = f"{self._inbox(step, path)}/{note.slot}~{note.step}~{note.task}"
        self._store.put(key, b"")

    def read_inbox(self, step: str, path: str) -> dict[str, Note]:
        """The newest note of each slot in the inbox of `step` at `path`."""
        newest: dict[str, Note] = {}
        for name, written in self._store.list(self._inbox(step, path)):
            slot, parent, task = name.split("~")
            if slot not in newest or newest[slot].written <= written:
                newest[slot] = Note(slot, parent, task, written)
        return newest

    def write_items(self, step: str, path: str, count: int) -> None:
        """Says how many tasks the foreach `step` at `path` fans out to, as the list of their indices."""
        body = json.dumps(list(range(count)), separators=(",", ":")).encode()
        self._store.put(f"{self._root}/items/{step}/{path or ROOT}.json", body)

    def _inbox(self, step: str, path: str) -> str:
        return f"{self._root}/inbox/{step}/{path or ROOT}"
