"""The entry point, and the one place where an exception becomes an exit code."""

import os
import sys
from collections.abc import Sequence

from typer.exceptions import Abort, TyperException

from sfnflow.errors import SfnflowError, UsageError

BUG, INTERRUPTED = 70, 130


def main() -> None:
    """What the `sfnflow` command runs."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Runs one command and returns its exit code; see docs/exit-codes.md."""
    from sfnflow.cli.app import command

    try:
        code = command().main(list(args), prog_name="sfnflow", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer's word for a KeyboardInterrupt
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
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


def _usage(error: TyperException) -> SfnflowError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "sfnflow"
    return UsageError(error.format_message(), hint=f"`{path} --help` tells what it takes.")


def _print(error: SfnflowError) -> None:
    from sfnflow.cli.output import print_error

    print_error(error)
