"""What the user's flow file says, typed and frozen: the only thing that render knows of a flow.

`load` fills it, `render` and `show` read it. Names follow Metaflow's documentation: a *split* starts
static branches, a *foreach* a dynamic number of them, a *switch* picks one of its branches, and a
*join* ends a split or a foreach.
"""

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

StepKind = Literal["linear", "split", "foreach", "parallel", "switch", "join", "end"]
ParameterKind = Literal["int", "float", "bool", "str", "json", "file", "list"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decorator(_Model):
    """A decorator as Metaflow resolved it. `source` is "static" (in the file), "with" or its inserter."""

    name: str
    attributes: dict[str, Any] = {}
    source: str = "static"


class Parameter(_Model):
    """A flow parameter.

    `name` is what the user types, `variable` the attribute in the flow. `default` is the value fixed
    at create (deploy-time functions are evaluated once), in the form `-p name=...` takes; None means
    that there is none. `separator` splits a list given as one string.
    """

    name: str
    variable: str
    kind: ParameterKind
    required: bool = False
    default: Any = None
    deploy_time: bool = False
    help: str = ""
    separator: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def must_be_given(self) -> bool:
        """Whether a run cannot start without a value for it."""
        return self.required and self.default is None


class Step(_Model):
    """One step. `next` are the steps it may go to; `parents` those that may lead to it.

    `splits` are the splits and foreachs it is inside, outermost first (a join still counts the one it
    joins); `branch` is the arm of the innermost of them. `matching_join` belongs to a split or a
    foreach. `retries` are runs after the first that the user's code may have, `fallbacks` the further
    attempts that decorators such as @catch ask for.
    """

    name: str
    kind: StepKind
    next: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    branch: str | None = None
    matching_join: str | None = None
    foreach: str | None = None
    condition: str | None = None
    cases: dict[str, str] = {}
    num_parallel: int | None = None
    doc: str = ""
    file: str = ""
    line: int = 0
    decorators: tuple[Decorator, ...] = ()
    retries: int = 0
    fallbacks: int = 0
    timeout_seconds: int | None = None
    environment: dict[str, str] = {}
    resources: dict[str, Any] = {}

    @property
    def attempts(self) -> int:
        """How often a task of this step may be tried, the first time included."""
        return 1 + self.retries + self.fallbacks

    def decorator(self, name: str) -> Decorator | None:
        """The decorator of that name, or None."""
        return next((found for found in self.decorators if found.name == name), None)


class Schedule(_Model):
    """When the flow starts by itself: an AWS cron expression and the time zone it is read in."""

    cron: str
    timezone: str | None = None


class Project(_Model):
    """`@project`: the name the flow is deployed under, one for every branch."""

    name: str
    branch: str
    flow_name: str
    production: bool


class Flow(_Model):
    """A whole flow, after configs, mutators and `--with` have done their work. Steps are in order."""

    name: str
    file: str
    doc: str = ""
    start: str
    end: str
    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...] = ()
    decorators: tuple[Decorator, ...] = ()
    schedule: Schedule | None = None
    project: Project | None = None
    tags: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """The step of that name; KeyError when there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    def foreach_depth(self, step: Step) -> int:
        """How many foreachs a task of this step runs inside: the length of its index path."""
        kinds = [self.step(split).kind for split in step.splits]
        if step.kind == "join":
            kinds = kinds[:-1]
        return sum(kind in ("foreach", "parallel") for kind in kinds)
