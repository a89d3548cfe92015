"""`python -P -m sfnflow.load.child FOLDER`: loads a flow file.

A process of its own, because a flow file is a program: it may print, patch, fork, exit or crash. What
to do comes in `FOLDER/request.json`; the answer goes to `FOLDER/answer.json`, since the file may close
every descriptor there is, or leave a process behind that keeps them open. It is
`{"loaded": ...}` or `{"problem": ...}`.
"""

import atexit
import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any

from sfnflow.load.describe import describe
from sfnflow.load.problems import explain
from sfnflow.runtime.compute import run_everything_here
from sfnflow.runtime.host import run_flow_file
from sfnflow.runtime.process import die_with_parent

_EXIT_SECONDS = 5


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the file says, or what is wrong with it."""
    script, found = request["script"], {}
    try:
        run_everything_here()
        run_flow_file(
            script, request["top"], "sfnflow", lambda obj: found.update(describe(obj, script))
        )
        return {"loaded": found}
    except BaseException as error:  # noqa: BLE001 - whatever the user's file raises is theirs to see
        return {"problem": explain(error, request["path"]).to_json()}


def main(folder: str) -> None:
    """Reads the request, writes the answer."""
    die_with_parent()
    process = os.getpid()
    with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
        request = json.load(file)
    text = json.dumps(answer(request))
    if os.getpid() != process:  # a fork that the file has made; it is not the one that was asked
        os._exit(0)
    partial = os.path.join(folder, "partial.json")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, os.path.join(folder, "answer.json"))
    _end()


def _end() -> None:
    """Ends like any program, but waits neither for threads nor long for exit handlers."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_EXIT_SECONDS)
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):  # the user's file may have closed them
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    gc.disable()  # it lives for a moment, and makes little garbage
    main(sys.argv[1])
