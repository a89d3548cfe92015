"""The hand-off, on a folder."""

import os
from pathlib import Path

from sfnflow.runtime.folder import FolderStore
from sfnflow.runtime.ledger import Ledger, Note, last_index, parent_path


def test_a_note_is_found_where_it_was_left(tmp_path: Path) -> None:
    ledger = Ledger(FolderStore(tmp_path), "F", "run")
    ledger.leave_note("join", "3", Note("17", "work", "job-1"))
    ledger.leave_note("join", "3", Note("2", "work", "job-2"))
    ledger.leave_note("join", "", Note("0", "other", "job-3"))
    found = ledger.read_inbox("join", "3")
    assert {slot: (note.step, note.task) for slot, note in found.items()} == {
        "17": ("work", "job-1"),
        "2": ("work", "job-2"),
    }
    assert ledger.read_inbox("join", "4") == {}
    assert list(ledger.read_inbox("join", "")) == ["0"]


def test_of_two_notes_in_a_slot_the_newer_counts(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ledger = Ledger(store, "F", "run")
    ledger.leave_note("join", "", Note("0", "work", "old"))
    ledger.leave_note("join", "", Note("0", "work", "new"))
    os.utime(store.path("F/run/inbox/join/_/0~work~old"), (1, 1))
    assert ledger.read_inbox("join", "")["0"].task == "new"
    os.utime(store.path("F/run/inbox/join/_/0~work~new"), (0, 0))
    assert ledger.read_inbox("join", "")["0"].task == "old"


def test_items_are_the_indices(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    Ledger(store, "F", "run").write_items("start", "", 3)
    Ledger(store, "F", "run").write_items("start", "1.2", 1)
    assert store.get("F/run/items/start/_.json") == b"[0,1,2]"
    assert store.get("F/run/items/start/1.2.json") == b"[0]"


def test_index_paths() -> None:
    assert [parent_path(path) for path in ("3.17", "3", "")] == ["3", "", ""]
    assert last_index("3.17") == 17


def test_a_failed_put_leaves_no_object(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a/b", b"first")
    store.put("a/b", b"second")
    assert store.get("a/b") == b"second"
    assert [entry.name for entry in store.list("a")] == ["b"]
