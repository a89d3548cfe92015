"""Amazon States Language as typed, frozen data: what render produces and the local engine interprets.

Only the part of the language that sfnflow writes is modelled; anything else is refused by name when a
definition is parsed (`extra="forbid"`). Fields, defaults and meanings:
https://states-language.net/spec.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html

A field that holds its default is left out of the JSON, save `Type`. A null `ResultPath` ("discard the
result") differs from its default `$`, so it stays.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_pascal

Json = Any

BATCH_SUBMIT = "batch:submitJob.sync"
S3_GET = "aws-sdk:s3:getObject"
S3_ITEM_READER = "s3:getObject"
S3_RESULT_WRITER = "s3:putObject"


def integration(name: str, partition: str = "aws") -> str:
    """The ARN of an AWS service integration, e.g. `arn:aws:states:::batch:submitJob.sync`."""
    return f"arn:{partition}:states:::{name}"


def integration_name(resource: str) -> str:
    """`batch:submitJob.sync` of `arn:aws:states:::batch:submitJob.sync`, in any partition."""
    _, separator, name = resource.partition(":states:::")
    return name if separator else resource


_READING_ORDER = {"Type": 0, "Next": 2, "End": 2}
_NEVER = object()


@cache
def _layout(model: type[BaseModel]) -> tuple[tuple[str, str, Any], ...]:
    """The fields as they are to be read: name, key in the JSON, the value that is left out."""
    # Not `field.alias`: a class that was only built as a part of another does not know it yet.
    keys = [(name, to_pascal(name), field) for name, field in model.model_fields.items()]
    return tuple(
        (name, key, _NEVER if key == "Type" or field.is_required() else field.default)
        for name, key, field in sorted(keys, key=lambda each: _READING_ORDER.get(each[1], 1))
    )


class _Model(BaseModel):
    # Built at first use: most commands import this and render nothing, which is 30 ms for each.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        populate_by_name=True,
        defer_build=True,
    )

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        return {
            key: dumped[key]
            for name, key, left_out in _layout(type(self))
            if getattr(self, name) != left_out
        }


class Retrier(_Model):
    """`Retry` of a state: which errors, how often, how long between (seconds)."""

    error_equals: tuple[str, ...]
    interval_seconds: int = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: int | None = None
    jitter_strategy: Literal["NONE", "FULL"] = "NONE"


class Catcher(_Model):
    """`Catch` of a state: where an error goes when no retry is left."""

    error_equals: tuple[str, ...]
    next: str
    result_path: str | None = "$"


class _State(_Model):
    comment: str | None = None


class _Flowing(_State):
    """A state that ends its machine or names the next one."""

    next: str | None = None
    end: bool = False
    input_path: str | None = "$"
    output_path: str | None = "$"


class TaskState(_Flowing):
    type: Literal["Task"] = "Task"
    resource: str
    parameters: dict[str, Any] | None = None
    result_selector: dict[str, Any] | None = None
    result_path: str | None = "$"
    timeout_seconds: int | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class PassState(_Flowing):
    type: Literal["Pass"] = "Pass"
    result: Any = None
    parameters: dict[str, Any] | None = None
    result_path: str | None = "$"


class ParallelState(_Flowing):
    type: Literal["Parallel"] = "Parallel"
    branches: tuple["Branch", ...]
    result_selector: dict[str, Any] | None = None
    result_path: str | None = "$"
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class ReaderConfig(_Model):
    input_type: Literal["JSON"]


class ItemReader(_Model):
    resource: str
    reader_config: ReaderConfig
    parameters: dict[str, Any]


class ResultWriter(_Model):
    resource: str
    parameters: dict[str, Any]


class ProcessorConfig(_Model):
    mode: Literal["INLINE", "DISTRIBUTED"]
    execution_type: Literal["STANDARD"] | None = None


class ItemProcessor(_Model):
    processor_config: ProcessorConfig
    start_at: str
    states: dict[str, "State"]


class MapState(_Flowing):
    """A foreach. `max_concurrency` caps the iterations that run at once; 0 is "as many as may be"."""

    type: Literal["Map"] = "Map"
    items_path: str = "$"
    item_reader: ItemReader | None = None
    item_selector: dict[str, Any] | None = None
    item_processor: ItemProcessor
    max_concurrency: int = 0
    result_writer: ResultWriter | None = None
    result_selector: dict[str, Any] | None = None
    result_path: str | None = "$"
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class ChoiceRule(_Model):
    variable: str
    string_equals: str
    next: str


class ChoiceState(_State):
    type: Literal["Choice"] = "Choice"
    choices: tuple[ChoiceRule, ...]
    default: str | None = None


class SucceedState(_State):
    type: Literal["Succeed"] = "Succeed"


class FailState(_State):
    type: Literal["Fail"] = "Fail"
    error: str
    cause: str = ""


State = Annotated[
    TaskState | PassState | ParallelState | MapState | ChoiceState | SucceedState | FailState,
    Field(discriminator="type"),
]


class Branch(_Model):
    """One arm of a Parallel: a state machine of its own."""

    start_at: str
    states: dict[str, State]


class StateMachine(_Model):
    """A whole definition. `timeout_seconds` bounds an execution from its start."""

    comment: str | None = None
    start_at: str
    states: dict[str, State]
    timeout_seconds: int | None = None

    def to_json(self, *, indent: int | None = None) -> str:
        """The definition as JSON; equal machines give equal bytes."""
        return self.model_dump_json(by_alias=True, indent=indent)


def walk_states(states: Mapping[str, State]) -> Iterator[tuple[str, State]]:
    """Every state of a machine with its name, those inside Map and Parallel included, outer first."""
    for name, state in states.items():
        yield name, state
        if isinstance(state, ParallelState):
            for branch in state.branches:
                yield from walk_states(branch.states)
        elif isinstance(state, MapState):
            yield from walk_states(state.item_processor.states)
