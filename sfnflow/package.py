"""The code package: a snapshot of what a run's tasks need, named by a hash of its content.

It holds the user's files by Metaflow's packaging rules, the default files of IncludeFile parameters,
and `_sfnflow/manifest.json`, which tells a job how the flow was deployed.
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sfnflow.errors import DeployError
from sfnflow.graph import Flow
from sfnflow.load.loader import LoadedFlow, SourceFile

MANIFEST = "_sfnflow/manifest.json"
CONFIGS = "_sfnflow/configs.json"
_AGAIN = "Run the command again."


class Deployment(NamedTuple):
    """What `create` decides and the flow file does not say."""

    token: str
    owner: str
    tags: tuple[str, ...] = ()
    namespace: str | None = None
    project_options: tuple[str, ...] = ()


class CodePackage(NamedTuple):
    """A package that can be written anywhere. `id` changes when anything in it does."""

    id: str
    files: tuple[SourceFile, ...]
    texts: dict[str, str]

    def write_folder(self, folder: Path) -> None:
        """Unpacks the package as `folder`, whole or not at all; one that is there and whole stays.

        Raises DeployError when a file is no longer what it was when the package was built.
        """
        if folder.is_dir():
            if self.is_in(folder):
                return
            spoilt = folder.with_name(f".{folder.name}-spoilt")  # a task has written into it
            folder.rename(spoilt)
            shutil.rmtree(spoilt, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            copies = tuple(SourceFile(str(partial / name), name) for _, name in self.files)
            for (path, _), (target, _) in zip(self.files, copies, strict=True):
                _copy(path, Path(target))
            for name, text in self.texts.items():
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                (partial / name).write_text(text, encoding="utf-8")
            if _digest(copies, self.texts) != self.id:
                raise DeployError(
                    "A file of the flow has changed while it was being deployed.", hint=_AGAIN
                )
            partial.chmod(0o755)
            partial.rename(folder)
        except BaseException as error:
            shutil.rmtree(partial, ignore_errors=True)
            if not (
                isinstance(error, OSError) and folder.is_dir()
            ):  # else another create was first
                raise

    def is_in(self, folder: Path) -> bool:
        """Whether the folder holds what the package does."""
        try:
            there = {name: (folder / name).read_text(encoding="utf-8") for name in self.texts}
            files = tuple(SourceFile(str(folder / name), name) for _, name in self.files)
            return _digest(files, there) == self.id
        except (OSError, UnicodeDecodeError):
            return False


def build_package(loaded: LoadedFlow, deployment: Deployment) -> CodePackage:
    """Reads the files once to hash them; writes nothing."""
    by_name = {file.name: file for file in loaded.files}
    files = tuple(by_name[name] for name in sorted(by_name))
    texts = {MANIFEST: _to_json(_manifest(loaded, deployment))}
    if loaded.configs:
        texts[CONFIGS] = _to_json(loaded.configs)
    try:
        return CodePackage(_digest(files, texts), files, texts)
    except OSError as error:
        raise DeployError(
            f"{error.filename} belongs to the flow's code, but cannot be read: {error.strerror}.",
            hint="The package takes the files beside the flow by Metaflow's rules.",
        ) from error


def _digest(files: tuple[SourceFile, ...], texts: dict[str, str]) -> str:
    """Of names, contents and executable bits. Each part is hashed alone, so none can run into the next."""
    digest = hashlib.sha256()
    for path, name in files:
        mode = b"x" if _is_executable(path) else b"-"
        for part in (os.fsencode(name), mode, Path(path).read_bytes()):
            digest.update(hashlib.sha256(part).digest())
    for text in chain(*texts.items()):
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:16]


def _copy(path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(path, target)
    except FileNotFoundError as error:
        raise DeployError(f"{path} is gone while it was being deployed.", hint=_AGAIN) from error
    target.chmod(0o755 if _is_executable(path) else 0o644)


def _is_executable(path: str) -> bool:
    return bool(Path(path).stat().st_mode & stat.S_IXUSR)


def _to_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True)


def _manifest(loaded: LoadedFlow, deployment: Deployment) -> dict[str, Any]:
    return {
        "flow": loaded.flow.name,
        "script": Path(loaded.flow.file).name,
        "top_options": _top_options(loaded, deployment),
        "parameters": {p.name: p.kind for p in loaded.flow.parameters},
        "separators": {p.name: p.separator for p in loaded.flow.parameters if p.separator},
        "defaults": _defaults(loaded.flow),
        "tags": list(deployment.tags),
        "namespace": deployment.namespace,
        "token": deployment.token,
        "owner": deployment.owner,
    }


def _top_options(loaded: LoadedFlow, deployment: Deployment) -> list[str]:
    """The options that make the flow in a job the one that was rendered."""
    options = list(deployment.project_options)
    for spec in loaded.decospecs:
        options += ["--with", spec]
    for name in loaded.configs.get("user_configs", {}):
        options += ["--config-value", name, f"kv.{name}"]  # metaflow's name for "read it from file"
    return options


def _defaults(flow: Flow) -> dict[str, str]:
    """Values that the job cannot compute again: deploy-time ones, and files in the package."""
    defaults = {p.name: str(p.default) for p in flow.parameters if p.deploy_time}
    for parameter in flow.parameters:
        if parameter.kind == "file" and parameter.default is not None:
            defaults[parameter.name] = f"package:_sfnflow/files/{parameter.name}"
    return defaults
