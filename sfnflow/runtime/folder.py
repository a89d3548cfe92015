"""An object store that is a folder: what `s3://` means on the local target."""

import os
from collections.abc import Iterator
from pathlib import Path

from sfnflow.runtime.ledger import Entry


class FolderStore:
    """Objects as files below `root`. A put is atomic; a list is not recursive."""

    def __init__(self, root: str | Path) -> None:
        self._root = os.fspath(root)

    def put(self, key: str, body: bytes) -> None:
        """Writes an object, whole or not at all."""
        path = self.path(key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not body:  # creating an empty file is atomic by itself
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            return
        partial = f"{path}.{os.getpid()}.partial"
        with open(partial, "wb") as file:
            file.write(body)
        os.replace(partial, path)

    def get(self, key: str) -> bytes:
        """Reads an object. FileNotFoundError when there is none."""
        with open(self.path(key), "rb") as file:
            return file.read()

    def list(self, prefix: str) -> Iterator[Entry]:
        """The objects right below `prefix`; none when nothing was ever put there."""
        try:
            entries = os.scandir(self.path(prefix))
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                yield Entry(entry.name, entry.stat().st_mtime)

    def path(self, key: str) -> str:
        """Where an object lies on disk."""
        return os.path.join(self._root, key)
