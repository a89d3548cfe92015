"""The entry point, and the one place where an exception becomes an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from typer.exceptions import Abort, Exit, TyperException

from sfnflow.errors import SfnflowError, UsageError

BUG, INTERRUPTED = 70, 130


def main() -> None:
    """What the `sfnflow` command runs."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Runs one command and returns its exit code; see docs/exit-codes.md."""
    from sfnflow.cli.app import app, command

    if "_SFNFLOW_COMPLETE" in os.environ:  # a shell asks what may follow
        app(prog_name="sfnflow")
    try:
        _invoke(command(), list(args) or ["--help"])
        sys.stdout.flush()
        return 0
    except Exit as ended:
        return ended.exit_code
    except SfnflowError as error:
        _print(error)
        return error.exit_code
    except TyperException as error:
        _print(_usage(error))
        return error.exit_code
    except (KeyboardInterrupt, Abort):
        sys.stderr.write("\nInterrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - the last boundary: what comes here is a bug of ours
        import traceback

        traceback.print_exc()
        sys.stderr.write("\nThis is a bug in sfnflow, not in your flow. Please report it.\n")
        return BUG


def _invoke(command: Any, args: list[str]) -> None:
    """Runs it without typer's own error handling, which has exit codes of its own."""
    with command.make_context("sfnflow", args) as context:
        command.invoke(context)


def _usage(error: TyperException) -> SfnflowError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "sfnflow"
    if path == "sfnflow trigger":
        return UsageError(
            error.format_message(), hint="Parameters are given as -p NAME=VALUE; see --help."
        )
    return UsageError(error.format_message(), hint=f"`{path} --help` tells what it takes.")


def _print(error: SfnflowError) -> None:
    from sfnflow.cli.output import print_error

    print_error(error)
