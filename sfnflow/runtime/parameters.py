"""The input of an execution -> arguments of Metaflow's `init`, without a shell in between.

All three forms that people type into the console work: `{"Parameters": "{\\"alpha\\": 0.5}"}`,
`{"Parameters": {"alpha": 0.5}}` and `{}`. What is too large for a job's environment comes as
`{"ParametersAt": "<key>"}`, the key of an object in the ledger's store.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from sfnflow.runtime.folder import FolderStore


class InputError(Exception):
    """The execution was started with an input that says no parameters we can read."""


def init_arguments(
    text: str, manifest: Mapping[str, Any], folder: str, store: FolderStore
) -> list[str]:
    """`--name=value` for each parameter that the input or the deployment gives a value.

    Raises InputError when the input is not one of the forms above, or names an unknown parameter.
    """
    given = _read(text, store)
    unknown = sorted(set(given) - set(manifest["parameters"]))
    if unknown:
        known = ", ".join(sorted(manifest["parameters"])) or "none"
        raise InputError(f"The flow has no parameter {', '.join(unknown)}; it has: {known}.")
    values = {**manifest["defaults"], **given}
    arguments = []
    for name, value in values.items():
        if value is not None:
            separator = manifest["separators"].get(name)
            text = _to_text(value, separator)
            if manifest["parameters"][name] == "file":
                text = _local_path(text, folder, store)
            arguments.append(f"--{name}={text}")
    return arguments


def _read(text: str, store: FolderStore) -> dict[str, Any]:
    document = json.loads(text or "{}")
    if not isinstance(document, dict):
        raise InputError(f"The input of the execution must be a JSON object, not {text[:200]!r}.")
    if "ParametersAt" in document:
        return dict(json.loads(store.get(document["ParametersAt"])))
    parameters = document.get("Parameters") or {}
    if isinstance(parameters, str):
        parameters = json.loads(parameters)
    if not isinstance(parameters, dict):
        raise InputError(f"Parameters must be a JSON object, not {str(parameters)[:200]!r}.")
    return parameters


def _to_text(value: Any, separator: str | None) -> str:
    """A JSON value in the form that Metaflow's command line takes."""
    if isinstance(value, str):
        return value
    if separator and isinstance(value, list):
        return separator.join(str(item) for item in value)
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _local_path(text: str, folder: str, store: FolderStore) -> str:
    """Where the file of an IncludeFile lies: in the package, in the ledger's store, or as given."""
    if text.startswith("package:"):
        return os.path.join(folder, text.removeprefix("package:"))
    if text.startswith("ledger:"):
        return store.path(text.removeprefix("ledger:"))
    return text
