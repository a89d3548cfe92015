"""A flow file -> `graph.Flow`: runs the file as the user would, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from sfnflow.config import NOBODY
from sfnflow.errors import FlowError, NotFoundError, UsageError
from sfnflow.graph import Flow


class LoadOptions(NamedTuple):
    """What `python flow.py` takes before its command; all of it changes the graph."""

    decospecs: tuple[str, ...] = ()
    configs: tuple[tuple[str, str], ...] = ()
    config_values: tuple[tuple[str, str], ...] = ()
    branch: str | None = None
    production: bool = False
    package_suffixes: str | None = None
    user: str = NOBODY

    def project_options(self) -> list[str]:
        """The options of `@project`, as Metaflow's command line takes them."""
        branch = ["--branch", self.branch] if self.branch else []
        return branch + (["--production"] if self.production else [])


class SourceFile(NamedTuple):
    """A file of the code package: where it is now, and its name in the package."""

    path: str
    name: str


class LoadedFlow(NamedTuple):
    """A flow and what its tasks need besides: files, resolved configs, and the `--with` in force."""

    flow: Flow
    files: tuple[SourceFile, ...]
    configs: dict[str, Any]
    decospecs: tuple[str, ...]


_DEFAULTS = LoadOptions()


def load_flow(path: str | Path, options: LoadOptions = _DEFAULTS) -> LoadedFlow:
    """Loads the flow that `python path` would run.

    What the file prints goes to stderr. Raises NotFoundError when there is no such file, FlowError
    with the user's own file and line when it does not load or breaks Metaflow's rules, UsageError
    when it is the options that do not fit.
    """
    _require_file(Path(path))
    loaded = _run_child(os.path.abspath(path), str(path), options)
    return LoadedFlow(
        flow=Flow.model_validate(loaded["flow"]),
        files=tuple(SourceFile(*pair) for pair in loaded["files"]),
        configs=loaded["configs"],
        decospecs=tuple(loaded["decospecs"]),
    )


def _run_child(script: str, path: str, options: LoadOptions) -> Any:
    with tempfile.TemporaryDirectory(prefix="sfnflow-load-") as folder:
        request = {"script": script, "path": path, "top": _top_options(options)}
        Path(folder, "request.json").write_text(json.dumps(request), encoding="utf-8")
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "sfnflow.load.child", folder],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what the file prints is talk
            env={**os.environ, "METAFLOW_USER": options.user},
        )
        code = wait(child, path)
        written = Path(folder, "answer.json")
        if not written.exists():
            raise _died(path, code)
        answer = json.loads(written.read_bytes())
    if "problem" in answer:
        problem = answer["problem"]
        error = UsageError if problem["usage"] else FlowError
        raise error(problem["text"], hint=problem["hint"], details=problem["lines"])
    return answer["loaded"]


def wait(child: "subprocess.Popen[bytes]", path: str, patience: float = 30) -> int:
    """Waits however long a load takes, and says so now and then; ends it when interrupted."""
    begun = time.monotonic()
    try:
        while True:
            try:
                return child.wait(patience)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - begun
                sys.stderr.write(f"Still loading {path}, for {seconds:.0f}s. Ctrl-C ends it.\n")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _died(path: str, code: int) -> FlowError:
    if code < 0:
        name = signal.Signals(-code).name
        return FlowError(
            f"{path} was killed by the signal {name} while it was loaded.",
            hint="The machine may be out of memory."
            if name == "SIGKILL"
            else f"`python -X faulthandler {path} show` tells where.",
        )
    return FlowError(
        f"{path} ended the process that was loading it, with exit code {code}.",
        hint=f"It calls os._exit, or something that it imports does: try `python {path} show`.",
    )


def _top_options(options: LoadOptions) -> list[str]:
    # The datastore is named so that nothing is created where the flow is loaded.
    top = ["--quiet", "--no-pylint", "--metadata=local", "--environment=local"]
    top += ["--datastore=local", f"--datastore-root={os.path.abspath('.metaflow')}"]
    for spec in options.decospecs:
        top += ["--with", spec]
    for name, file in options.configs:
        top += ["--config", name, file]
    for name, value in options.config_values:
        top += ["--config-value", name, value]
    if options.package_suffixes:
        top += ["--package-suffixes", options.package_suffixes]
    return top + options.project_options()


def _require_file(file: Path) -> None:
    if not file.exists():
        raise NotFoundError(f"There is no file {file}.", hint=_nearby(file))
    if not file.is_file():
        kind = "a folder" if file.is_dir() else "not a file"
        raise NotFoundError(f"{file} is {kind}, where a flow's file is wanted.", hint=_nearby(file))


def _nearby(file: Path) -> str:
    import difflib

    folder = file if file.is_dir() else file.absolute().parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".py")
    except OSError:
        return f"The folder {folder} cannot be read."
    below = sorted(folder.glob(f"*/{file.name}"))
    if below:
        return f"Did you mean {below[0].relative_to(folder)}?"
    close = difflib.get_close_matches(file.name, names, n=1)
    if close:
        return f"Did you mean {file.with_name(close[0])}?"
    return f"Python files in {folder}: {', '.join(names[:8]) or 'none'}."
