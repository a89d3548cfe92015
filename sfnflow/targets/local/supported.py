"""What the local target refuses to run, said before anything runs."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local import paths

_Flowing = asl.TaskState | asl.ParallelState | asl.MapState


def check_supported(machine: asl.StateMachine) -> list[str]:
    """Names every construct of a definition that would be refused when it is run."""
    return [
        f"state '{name}': {what}"
        for name, state in asl.walk_states(machine.states)
        for what in _unsupported(state)
    ]


def _unsupported(state: asl.State) -> Iterator[str]:
    match state:
        case asl.TaskState():
            yield from _unsupported_resource(state.resource, asl.BATCH_SUBMIT, asl.S3_GET)
            yield from _unsupported_flow(state, [state.parameters, state.result_selector])
        case asl.ParallelState():
            yield from _unsupported_flow(state, [state.result_selector])
        case asl.MapState():
            yield from _unsupported_map(state)
        case asl.PassState():
            yield from paths.unsupported(
                reads=[state.input_path, state.output_path],
                targets=[state.result_path],
                templates=[state.parameters],
            )
        case asl.ChoiceState():
            yield from paths.unsupported(reads=[rule.variable for rule in state.choices])
        case asl.SucceedState() | asl.FailState():
            pass
        case _:
            assert_never(state)


def _unsupported_map(state: asl.MapState) -> Iterator[str]:
    templates: list[Json] = [state.item_selector, state.result_selector]
    if reader := state.item_reader:
        yield from _unsupported_resource(reader.resource, asl.S3_ITEM_READER)
        templates.append(reader.parameters)
        if state.items_path != "$":
            yield "ItemsPath beside an ItemReader is not run by the local target"
    if writer := state.result_writer:
        yield from _unsupported_resource(writer.resource, asl.S3_RESULT_WRITER)
        templates.append(writer.parameters)
    yield from paths.unsupported(reads=[state.items_path])
    yield from _unsupported_flow(state, templates)


def _unsupported_flow(state: _Flowing, templates: Iterable[Json]) -> Iterator[str]:
    yield from paths.unsupported(
        reads=[state.input_path, state.output_path],
        targets=[state.result_path, *(catcher.result_path for catcher in state.catch)],
        templates=templates,
    )


def _unsupported_resource(resource: str, *supported: str) -> Iterator[str]:
    if asl.integration_name(resource) not in supported:
        yield f"the resource '{resource}' is not run by the local target"
