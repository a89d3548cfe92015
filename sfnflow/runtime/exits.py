"""The end of a forked job, as the end of a Python process: threads, exit handlers, open files.

A fork must end by os._exit, since below it on the stack lies the process that forked. What an
interpreter does at its end is done here before.
"""

import atexit
import contextlib
import gc
import io
import threading
import weakref
from collections.abc import Callable
from typing import Any

_WRITERS = {io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper}

_register = atexit.register
_recorded: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []


def record_handlers() -> None:
    """Keeps note of the handlers that are registered from now on, since atexit does not tell."""

    def register(handler: Any, *args: Any, **kwargs: Any) -> Any:
        _recorded.append((handler, args, kwargs))
        return _register(handler, *args, **kwargs)

    atexit.register = register  # type: ignore[assignment]


def after_fork() -> None:
    """Makes the handlers the fork's own: those of the flow file run at the end of each task.

    What would clean up after the process that forked (temporary folders, which other jobs share)
    stays with it.
    """
    finalizer: Any = weakref.finalize
    for inherited in list(finalizer._registry):
        inherited.atexit = False
    finalizer._registered_with_atexit = False
    atexit._clear()
    for handler, args, kwargs in _recorded:
        if getattr(handler, "__func__", handler) is not finalizer._exitfunc.__func__:
            _register(handler, *args, **kwargs)


def finish() -> None:
    """Waits for threads, runs exit handlers, flushes every open file."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for writer in gc.get_objects():
        if type(writer) in _WRITERS and not writer.closed:
            with contextlib.suppress(OSError, ValueError):  # as the interpreter, which says nothing
                writer.flush()
