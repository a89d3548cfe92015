"""Places in an execution.

A place has a path:

    /start each[3]/work    the state `work` of the fourth iteration
    /fork[0]/left          a state of the first branch
    /again#2               the second visit of a state that is looped back to
    /fork~2[0]/left        a branch that runs anew because the Parallel (or Map) itself was retried
"""

from dataclasses import dataclass, replace

from sfnflow.asl import Json
from sfnflow.targets.local import paths
from sfnflow.targets.local.execution import Event, StateError, World
from sfnflow.targets.local.paths import Context


@dataclass(frozen=True, slots=True)
class Frame:
    """Where in the execution we are, the data that flows there, and the context object it sees."""

    state: str
    path: str
    data: Json
    context: Context

    def read(self, path: str | None) -> Json:
        """What a path selects here."""
        return paths.read(path, self.data, self.context)

    def fill(self, template: Json) -> Json:
        """A payload template, filled in here."""
        return paths.fill(template, self.data, self.context)

    def enter(self, state: str, visit: int, data: Json) -> "Frame":
        """The frame of a state's visit, from that of the machine around it."""
        path = f"{self.path}/{state}" if visit == 1 else f"{self.path}/{state}#{visit}"
        return Frame(state, path, data, self._context_in(state, 0))

    def retried(self, attempt: int) -> "Frame":
        """The frame after an attempt that failed; the context object counts them."""
        return replace(self, context=self._context_in(self.state, attempt))

    def anew(self, attempt: int) -> "Frame":
        """Where the branches or iterations of an attempt run: each has a place of its own."""
        return self if attempt == 1 else replace(self, path=f"{self.path}~{attempt}")

    def branch(self, number: int) -> "Frame":
        """Where a branch of a Parallel runs."""
        return replace(self, path=f"{self.path}[{number}]")

    def iteration(self, index: int, item: Json) -> "Frame":
        """Where an iteration of a Map runs; the context object holds its item."""
        context = {**self.context, "Map": {"Item": {"Index": index, "Value": item}}}
        return Frame(self.state, f"{self.path}[{index}]", item, context)

    def _context_in(self, state: str, retries: int) -> Context:
        return {**self.context, "State": {"Name": state, "RetryCount": retries}}


def emit(world: World, type: str, at: Frame, details: dict[str, Json] | None = None) -> None:
    """Tells of an event at a place."""
    world.emit(Event(type, at.path, at.state, details or {}))


def emit_error(world: World, type: str, at: Frame, error: StateError) -> None:
    """Tells of an error at a place."""
    emit(world, type, at, {"error": error.error, "cause": error.cause})
