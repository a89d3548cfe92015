"""The terms of an execution: what it asks of the world around it, what it tells, how it ends."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from sfnflow.asl import Json

Status = Literal["SUCCEEDED", "FAILED", "TIMED_OUT"]


class StateError(Exception):
    """An error as the states language knows it: Retry and Catch match it, or it ends a run."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause

    def located(self, state: str) -> "StateError":
        """Says in which state it was raised, if that is still to be said; a task's own says it all."""
        del state
        return self


class DataFlowError(StateError):
    """A path, template, intrinsic or other part of a definition failed in a state yet to be named."""

    def located(self, state: str) -> StateError:
        where = f"An error occurred while executing the state '{state}'."
        return StateError(self.error, f"{where} {self.cause}")


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One try of a Task. `path` and `attempt` name it, and are the same on every replay."""

    path: str
    state: str
    resource: str
    parameters: Json
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """A history event. Its path and state are empty when it is about the execution itself."""

    type: str
    path: str = ""
    state: str = ""
    details: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    output: Json = None
    error: str = ""
    cause: str = ""


class World(Protocol):
    """What surrounds an execution.

    The calls fail with a StateError; any other exception is a bug and ends `execute` as it is. They
    are cancelled when a sibling fails, a timeout is over or the execution is stopped: what they
    started must have ended when their CancelledError comes out. JSON they are given is shared: they
    must not modify it.
    """

    async def run_task(self, call: TaskCall) -> Json: ...

    async def read_object(self, bucket: str, key: str) -> bytes: ...

    async def write_object(self, bucket: str, key: str, body: bytes) -> None: ...

    def emit(self, event: Event) -> None: ...
