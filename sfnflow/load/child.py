"""`python -P -m sfnflow.load.child OPTIONS-JSON FLOW.py`: loads a flow file, prints it as JSON.

A process of its own, because a flow file is a program: it may print, patch, exit or crash. Its stdout
is turned to stderr; the JSON alone goes to what was stdout: `{"loaded": ...}` or `{"problem": ...}`.
"""

import json
import os
import sys
import traceback
from typing import Any

from sfnflow.load.describe import ParameterProblem, describe_flow, parameter_files
from sfnflow.runtime.compute import run_everything_here
from sfnflow.runtime.host import NoFlowError, run_flow_file


def main(options: dict[str, Any], script: str) -> dict[str, Any]:
    """What the file says, or what is wrong with it."""
    found: dict[str, Any] = {}
    try:
        run_everything_here()
        run_flow_file(script, options["top"], "sfnflow", lambda obj: found.update(_read(obj)))
    except NoFlowError as error:
        return {"problem": {"kind": "no-flow", "classes": error.classes}}
    except SyntaxError as error:
        where = f"{error.filename}:{error.lineno}"
        return {
            "problem": {"kind": "syntax", "text": f"{where}: {error.msg}", "lines": _syntax(error)}
        }
    except SystemExit as error:
        return {"problem": {"kind": "exit", "code": error.code}}
    except Exception as error:  # noqa: BLE001 - whatever the user's file raises is theirs to see
        return {"problem": _user_error(error, script)}
    return found


def _read(obj: Any) -> dict[str, Any]:
    lint = _lint(obj.graph)
    if lint:
        return {"problem": {"kind": "lint", "lines": lint}}
    try:
        loaded = {
            "flow": describe_flow(obj),
            "files": [*_code_files(obj), *_included(obj)],
            "configs": _configs(obj.flow),
            "decospecs": _decospecs(obj),
        }
    except ParameterProblem as problem:
        return {"problem": {"kind": "parameter", "text": str(problem)}}
    return {"loaded": loaded}


def _lint(graph: Any) -> list[str]:
    """Every issue that Metaflow's linter finds; its own runner stops at the first."""
    from metaflow.lint import LintWarn, linter

    found: list[str] = []
    for check in linter._checks:
        if not any(getattr(linter, attribute) for attribute in check.attrs):
            continue
        try:
            check(graph)
        except LintWarn as issue:
            where = f"{issue.source_file}:{issue.line_no}: " if issue.line_no else ""
            text = issue.message.replace("*", "")
            if f"{where}{text}" not in found:
                found.append(f"{where}{text}")
        except (KeyError, IndexError, AttributeError, TypeError):
            # Checks build on each other: on a graph that an earlier one refused, a later may trip.
            if not found:
                raise
    return found


def _code_files(obj: Any) -> list[tuple[str, str]]:
    """(path, name in the package) by Metaflow's own rules, less Metaflow itself."""
    from metaflow.package import MetaflowPackage
    from metaflow.packaging_sys import ContentType

    class Listing(MetaflowPackage):  # type: ignore[misc]
        def _package_and_upload(self) -> None:
            """Nothing: we want the list of files, not the archive that a thread would build."""

    package = Listing(obj.flow, obj.environment, obj.echo, obj.package_suffixes)
    package._create_thread.join()
    package._add_addl_files()
    names = package._mfcontent.content_names(ContentType.MODULE_CONTENT.value)
    # Modules that ask to be packaged go beside the flow file, where `import` finds them.
    modules = [(path, name.removeprefix(".mf_code/")) for path, name in names]
    hosts = ("__main__.py", "__mp_main__.py")
    return [*package._user_code_tuples(), *[m for m in modules if m[1] not in hosts]]


def _included(obj: Any) -> list[tuple[str, str]]:
    return [(path, f"_sfnflow/files/{name}") for name, path in parameter_files(obj.flow)]


def _configs(flow: Any) -> dict[str, Any]:
    from metaflow.user_configs.config_parameters import dump_config_values

    return dict(dump_config_values(flow))


def _decospecs(obj: Any) -> list[str]:
    """The `--with` that tasks must see again: the user's, and those Metaflow's config adds."""
    from metaflow.metaflow_config import DEFAULT_DECOSPECS

    return [*obj.tl_decospecs, *(obj.environment.decospecs() or []), *DEFAULT_DECOSPECS.split()]


def _user_error(error: Exception, script: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    folder = os.path.dirname(script)
    own = [f for f in frames if f.filename.startswith(folder + os.sep)] or [
        f for f in frames if f.filename == script
    ]
    where = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    start = frames.index(own[0]) if own else len(frames)
    lines = [
        line
        for block in traceback.format_list(frames[start:])
        for line in block.rstrip().splitlines()
    ]
    return {
        "kind": "import" if isinstance(error, ImportError) else "error",
        "type": type(error).__name__,
        "headline": getattr(error, "headline", ""),
        "text": f"{where}{type(error).__name__}: {getattr(error, 'message', None) or error}",
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "lines": lines,
    }


def _syntax(error: SyntaxError) -> list[str]:
    return [line.rstrip() for line in traceback.format_exception_only(error)]


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answer = main(json.loads(sys.argv[1]), sys.argv[2])
    sys.stdout.flush()
    json.dump(answer, out, default=repr)
    out.flush()
    # Threads or exit handlers that the user's file has left behind are not worth waiting for.
    os._exit(0)
