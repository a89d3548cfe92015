"""Rendering, from graphs made by hand."""

import json
from typing import Any

import pytest

from sfnflow.asl import MapState, ParallelState, TaskState
from sfnflow.config import RenderSettings
from sfnflow.errors import FlowError
from sfnflow.graph import Decorator, Flow, Step
from sfnflow.render import Rendered, render


def _render(*steps: Step, **settings: Any) -> Rendered:
    flow = Flow(name="F", file="f.py", start="start", end="end", steps=steps)
    return render(flow, RenderSettings(**settings), "c0de")


def _linear(name: str, *following: str, **fields: Any) -> Step:
    kind = fields.pop("kind", "linear" if following else "end")
    return Step(name=name, kind=kind, next=following, file="f.py", line=7, **fields)


def _task(rendered: Rendered, name: str) -> TaskState:
    state = rendered.machine.states[name]
    assert isinstance(state, TaskState)
    return state


def test_linear() -> None:
    rendered = _render(_linear("start", "end"), _linear("end"), workflow_timeout=60)
    assert list(rendered.machine.states) == ["start", "end"]
    assert rendered.machine.timeout_seconds == 60
    assert _task(rendered, "start").next == "end"
    assert _task(rendered, "end").end
    assert _task(rendered, "end").result_path is None


def test_only_the_start_gets_the_input_and_drops_it() -> None:
    rendered = _render(_linear("start", "end"), _linear("end"))
    assert "SFNFLOW_INPUT" in json.dumps(_task(rendered, "start").parameters)
    assert "SFNFLOW_INPUT" not in json.dumps(_task(rendered, "end").parameters)
    assert _task(rendered, "start").result_selector == {}
    assert _task(rendered, "start").result_path == "$"


def _nested() -> tuple[Step, ...]:
    return (
        _linear("start", "outer", kind="foreach", foreach="xs", matching_join="joined"),
        _linear(
            "outer",
            "inner",
            kind="foreach",
            foreach="ys",
            matching_join="gathered",
            splits=("start",),
        ),
        _linear("inner", "a", "b", kind="split", matching_join="met", splits=("start", "outer")),
        _linear("a", "met", splits=("start", "outer", "inner")),
        _linear("b", "met", splits=("start", "outer", "inner")),
        _linear("met", "gathered", kind="join", splits=("start", "outer", "inner")),
        _linear("gathered", "joined", kind="join", splits=("start", "outer")),
        _linear("joined", "end", kind="join", splits=("start",)),
        _linear("end"),
    )


def test_max_workers_is_on_every_map() -> None:
    rendered = _render(*_nested(), max_workers=7)
    outer = rendered.machine.states["start each"]
    assert isinstance(outer, MapState)
    inner = outer.item_processor.states["outer each"]
    assert isinstance(inner, MapState)
    assert (outer.max_concurrency, inner.max_concurrency) == (7, 7)
    modes = [m.item_processor.processor_config.mode for m in (outer, inner)]
    assert modes == ["DISTRIBUTED", "INLINE"]


def test_scopes_end_before_their_join() -> None:
    rendered = _render(*_nested())
    outer = rendered.machine.states["start each"]
    assert isinstance(outer, MapState)
    assert list(outer.item_processor.states) == ["outer", "outer splits", "outer each", "gathered"]
    inner = outer.item_processor.states["outer each"]
    assert isinstance(inner, MapState)
    assert list(inner.item_processor.states) == ["inner", "inner branches", "met"]
    fork = inner.item_processor.states["inner branches"]
    assert isinstance(fork, ParallelState)
    assert [list(branch.states) for branch in fork.branches] == [["a"], ["b"]]
    assert list(rendered.machine.states) == ["start", "start each", "joined", "end"]


def test_the_run_is_named_so_that_map_children_know_it_too() -> None:
    rendered = _render(*_nested())
    outer = rendered.machine.states["start each"]
    assert isinstance(outer, MapState)
    assert outer.item_selector == {
        "run.$": "$$.Execution.Name",
        "path.$": "States.Format('{}', $$.Map.Item.Value)",
    }
    inside = outer.item_processor.states["gathered"]
    assert isinstance(inside, TaskState)
    assert '"Value.$": "$.run"' in json.dumps(inside.parameters)


def test_alike_steps_share_a_job_definition() -> None:
    rendered = _render(
        _linear("start", "middle"),
        _linear("middle", "end", resources={"cpu": 4}),
        _linear("end"),
    )
    assert len(rendered.jobs) == 2
    assert sorted(job.vcpus for job in rendered.jobs) == [1, 4]


def test_what_makes_a_container() -> None:
    step = _linear(
        "start",
        "end",
        retries=2,
        fallbacks=1,
        timeout_seconds=10,
        environment={"B": "2", "A": "$(x)"},
        resources={"memory": 100, "gpu": 1},
        decorators=(Decorator(name="batch", attributes={"image": "python:3.11"}),),
    )
    rendered = _render(step, _linear("end"))
    name = (_task(rendered, "start").parameters or {})["JobDefinition"]
    job = next(job for job in rendered.jobs if job.name == name)
    assert job.attempts == 4
    assert job.timeout_seconds == 70
    assert job.environment == {"A": "$(x)", "B": "2"}
    assert (job.memory, job.gpus, job.image) == (100, 1, "python:3.11")


def test_the_partition_is_the_settings() -> None:
    rendered = _render(_linear("start", "end"), _linear("end"), partition="aws-cn")
    assert _task(rendered, "start").resource == "arn:aws-cn:states:::batch:submitJob.sync"


def test_all_that_cannot_be_rendered_is_named_at_once() -> None:
    long = "x" * 72
    with pytest.raises(FlowError) as raised:
        _render(
            _linear("start", "a", "b", kind="switch", condition="c"),
            _linear("a", long, kind="parallel"),
            _linear("b", long),
            _linear(long, "end", retries=12),
            _linear("end"),
        )
    details = raised.value.details
    assert len(details) == 4
    assert details[0].startswith("f.py:7: step start is a switch")
    assert "num_parallel" in details[1]
    assert "72 characters" in details[2]
    assert "13 times" in details[3]


def test_what_is_not_honoured_is_noted() -> None:
    flow = Flow(
        name="F",
        file="f.py",
        start="start",
        end="end",
        steps=(
            _linear("start", "end", decorators=(Decorator(name="kubernetes"),)),
            _linear("end"),
        ),
        decorators=(Decorator(name="trigger"), Decorator(name="exit_hook")),
    )
    notes = render(flow, RenderSettings(), "c0de").notes
    assert len(notes) == 3
    assert "@trigger is not honoured" in notes[0]
    assert "Step start: of @kubernetes only" in notes[2]
