"""Every failure a user can meet, as one tree: what happened, what to do next, which exit code.

The exit codes are a contract (docs/exit-codes.md): 0 done, 1 the flow, run or deploy failed, 2 usage or
configuration, 3 `diff` found a difference, 4 credentials, 130 ctrl-c. Anything that is not an
SfnflowError is a bug of ours, and only then does a traceback reach the terminal.
"""

from collections.abc import Iterable


class SfnflowError(Exception):
    """A failure the user can act on.

    `message` says what happened and why, `hint` what to do next; both are whole sentences.
    `details` are further lines shown as they are: a traceback of the user's own code, the other
    problems found in the same pass.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", details: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class FlowError(SfnflowError):
    """The user's flow file does not load, breaks Metaflow's rules, or asks for what cannot be run."""


class DeployError(SfnflowError):
    """A create or delete did not go through; what was live before still is."""


class RunError(SfnflowError):
    """A run failed, or cannot do what was asked of it in its present state."""


class UsageError(SfnflowError):
    """The command line or the configuration is wrong; nothing was started."""

    exit_code = 2


class NotFoundError(UsageError):
    """A flow, run, step or file of that name does not exist."""
