"""A flow file -> `graph.Flow`: runs the file as the user would, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from sfnflow.config import NOBODY
from sfnflow.errors import FlowError, NotFoundError
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
    with the user's own file and line when it does not load or breaks Metaflow's rules.
    """
    script = os.path.abspath(path)
    if not os.path.isfile(script):
        raise NotFoundError(f"There is no file {path}.", hint=_nearby(Path(script)))
    answer = _run_child(script, options)
    if "problem" in answer:
        raise _explain(answer["problem"], Path(path))
    loaded = answer["loaded"]
    return LoadedFlow(
        flow=Flow.model_validate(loaded["flow"]),
        files=tuple(SourceFile(*pair) for pair in loaded["files"]),
        configs=loaded["configs"],
        decospecs=tuple(loaded["decospecs"]),
    )


def _run_child(script: str, options: LoadOptions) -> Any:
    command = [sys.executable, "-P", "-m", "sfnflow.load.child"]
    payload = json.dumps({"top": _top_options(options)})
    child = subprocess.run(
        [*command, payload, script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "METAFLOW_USER": options.user},
        check=False,
    )
    if not child.stdout:
        raise FlowError(
            f"{script} ended the process that was loading it (exit code {child.returncode}).",
            hint="Run `python <file> show` to see it fail by itself.",
        )
    return json.loads(child.stdout)


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


def _nearby(script: Path) -> str:
    import difflib

    try:
        names = sorted(entry.name for entry in script.parent.iterdir() if entry.suffix == ".py")
    except OSError:
        return f"The folder {script.parent} cannot be read."
    close = difflib.get_close_matches(script.name, names, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Python files in {script.parent}: {', '.join(names[:8]) or 'none'}."


def _explain(problem: dict[str, Any], path: Path) -> FlowError:
    match problem["kind"]:
        case "no-flow":
            return _no_flow(problem["classes"], path)
        case "syntax":
            return FlowError(
                f"{path} is not valid Python. {problem['text']}",
                hint="Mend that line, then run the command again.",
                details=problem["lines"],
            )
        case "lint":
            return FlowError(
                f"{path} breaks Metaflow's rules for a flow.",
                hint="Every line above names the place to mend.",
                details=problem["lines"],
            )
        case "parameter":
            return FlowError(f"{path}: {problem['text']}", hint="Deploying evaluates it once.")
        case "exit":
            return FlowError(
                f"{path} stopped while it was loaded (exit code {problem['code']}).",
                hint="The lines above are its own; `python <file> show` must work first.",
            )
        case "import" if problem["module"]:
            return FlowError(
                f"{path} does not load. {problem['text']}",
                hint=f"Install what provides {problem['module']} for {sys.executable}, "
                "or put the import inside of the step that needs it.",
                details=problem["lines"],
            )
        case _:
            return FlowError(
                f"{path} does not load. {problem['text']}",
                hint="The error is raised by the file itself: `python <file> show` shows it too.",
                details=problem["lines"],
            )


def _no_flow(classes: list[str], path: Path) -> FlowError:
    if classes:
        name = classes[-1]
        return FlowError(
            f"{path} defines {name} but does not start it.",
            hint=f'End the file with: if __name__ == "__main__": {name}()',
        )
    return FlowError(
        f"There is no flow in {path}: it defines no FlowSpec.",
        hint="A flow is a class that derives from metaflow.FlowSpec.",
    )
