import asyncio
import inspect
import json
import selectors
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local.execution import Event, Outcome, StateError, TaskCall
from sfnflow.targets.local.interpreter import execute
from sfnflow.targets.local.supported import check_supported

BATCH = asl.integration(asl.BATCH_SUBMIT)
ARN = "arn:aws:states:eu-west-1:1:execution:flow:run1"
Answer = Callable[[TaskCall], Json | Awaitable[Json]]


def echo(call: TaskCall) -> Json:
    return call.parameters


class FakeWorld:
    """Answers a task by its state's name; keeps what happened."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.calls: list[TaskCall] = []
        self.events: list[Event] = []
        self.objects: dict[tuple[str, str], bytes] = {}
        self.slept: list[float] = []
        self.running = self.peak = 0

    async def run_task(self, call: TaskCall) -> Json:
        self.calls.append(call)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            answer = self.answers.get(call.state, echo)(call)
            return await answer if inspect.isawaitable(answer) else answer
        finally:
            self.running -= 1

    async def read_object(self, bucket: str, key: str) -> bytes:
        if (bucket, key) not in self.objects:
            raise StateError("S3.NoSuchKeyException", key)
        return self.objects[bucket, key]

    async def write_object(self, bucket: str, key: str, body: bytes) -> None:
        self.objects[bucket, key] = body

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def paths(self) -> list[str]:
        return [call.path for call in self.calls]

    def types(self, *prefixes: str) -> list[str]:
        return [event.type for event in self.events if event.type.startswith(prefixes or ("",))]


class _Clock(selectors.SelectSelector):
    """A selector that does not wait: it moves the time on to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "nothing will ever happen again"
        self.now += timeout
        return super().select(0)


def run(coroutine: Coroutine[Any, Any, Json]) -> Json:
    """asyncio.run, on a clock that jumps over every wait."""
    clock = _Clock()

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(clock)
        loop.time = lambda: clock.now  # type: ignore[method-assign]
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(coroutine)


def machine(states: dict[str, Json], **fields: Json) -> asl.StateMachine:
    return asl.StateMachine.model_validate({**arm(states), **fields})


def arm(states: dict[str, Json]) -> dict[str, Json]:
    """A machine that starts with its first state; where nothing follows, a state ends it."""
    linked = {
        name: state
        if "Next" in state or state["Type"] in ("Choice", "Succeed", "Fail")
        else {**state, "End": True}
        for name, state in states.items()
    }
    return {"StartAt": next(iter(states)), "States": linked}


def task(**fields: Json) -> Json:
    return {"Type": "Task", "Resource": BATCH, **fields}


def parallel(*branches: dict[str, Json], **fields: Json) -> Json:
    return {"Type": "Parallel", "Branches": [arm(branch) for branch in branches], **fields}


def each(states: dict[str, Json], mode: str = "INLINE", **fields: Json) -> Json:
    processor = {"ProcessorConfig": {"Mode": mode}, **arm(states)}
    if mode == "DISTRIBUTED":
        processor["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def execution(
    definition: asl.StateMachine, world: FakeWorld, input: Json = None
) -> Coroutine[Any, Any, Outcome]:
    return execute(
        definition,
        name="run1",
        arn=ARN,
        input={} if input is None else input,
        started="2024-01-01T00:00:00Z",
        world=world,
        sleep=world.sleep,
    )


def outcome_of(
    states: dict[str, Json], world: FakeWorld, input: Json = None, **fields: Json
) -> Outcome:
    outcome = run(execution(machine(states, **fields), world, input))
    assert isinstance(outcome, Outcome)
    assert world.running == 0
    return outcome


def output_of(states: dict[str, Json], input: Json = None, **answers: Answer) -> Json:
    outcome = outcome_of(states, FakeWorld(**answers), input)
    assert outcome.status == "SUCCEEDED", outcome
    return outcome.output


def fails(error: str, cause: str = "") -> Answer:
    def answer(call: TaskCall) -> Json:
        raise StateError(error, cause)

    return answer


def fails_first(times: int, error: str = "E") -> Answer:
    """Fails so many times, then answers "done"."""

    def answer(call: TaskCall) -> Json:
        if call.attempt <= times:
            raise StateError(error, f"attempt {call.attempt}")
        return "done"

    return answer


async def forever(call: TaskCall) -> Json:
    await asyncio.Event().wait()


async def an_hour(call: TaskCall) -> Json:
    await asyncio.sleep(3600)


# Data flow


def test_states_run_one_after_the_other() -> None:
    world = FakeWorld(a=lambda call: [*call.parameters, 1], b=lambda call: [*call.parameters, 2])
    outcome = outcome_of({"a": task(Next="b"), "b": task()}, world, [0])
    assert outcome == Outcome("SUCCEEDED", [0, 1, 2])
    assert world.types() == [
        "ExecutionStarted",
        *("TaskStateEntered", "TaskScheduled", "TaskSucceeded", "TaskStateExited") * 2,
        "ExecutionSucceeded",
    ]
    assert {(event.state, event.path) for event in world.events} == {
        ("", ""),
        ("a", "/a"),
        ("b", "/b"),
    }


def test_a_task_call_names_its_place_and_the_bare_integration() -> None:
    world = FakeWorld()
    parameters = {"JobName.$": "States.Format('{}-{}', $$.Execution.Name, $.x)", "N": 1}
    state = task(Resource="arn:aws-cn:states:::batch:submitJob.sync", Parameters=parameters)
    outcome_of({"a": state}, world, {"x": "y"})
    assert world.calls == [
        TaskCall("/a", "a", "batch:submitJob.sync", {"JobName": "run1-y", "N": 1}, 1)
    ]
    assert [e.details for e in world.events if e.type == "TaskScheduled"] == [
        {"resource": "batch:submitJob.sync"}
    ]


def test_the_context_object() -> None:
    template = {
        "id.$": "$$.Execution.Id",
        "input.$": "$$.Execution.Input",
        "start.$": "$$.Execution.StartTime",
        "machine.$": "$$.StateMachine.Id",
        "name.$": "$$.StateMachine.Name",
        "state.$": "$$.State.Name",
    }
    states = {
        "drop": {"Type": "Pass", "Result": {}, "Next": "show"},
        "show": {"Type": "Pass", "Parameters": template},
    }
    assert output_of(states, {"in": 1}) == {
        "id": ARN,
        "input": {"in": 1},
        "start": "2024-01-01T00:00:00Z",
        "machine": "arn:aws:states:eu-west-1:1:stateMachine:flow",
        "name": "flow",
        "state": "show",
    }


def test_the_input_and_output_fields_of_a_task_in_their_order() -> None:
    state = task(
        InputPath="$.in",
        Parameters={"p.$": "$.x"},
        ResultSelector={"s.$": "$.answer"},
        ResultPath="$.r",
        OutputPath="$.r.s",
    )
    world = FakeWorld(a=lambda call: {"answer": call.parameters, "noise": 1})
    outcome = outcome_of({"a": state}, world, {"in": {"x": 1}})
    assert outcome.output == {"p": 1}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "result"),
        ({"ResultPath": None}, {"k": 1}),
        ({"ResultPath": None, "OutputPath": "$.k"}, 1),
        ({"ResultPath": "$.r"}, {"k": 1, "r": "result"}),
        ({"OutputPath": None}, {}),
        ({"InputPath": "$.k", "ResultPath": None}, {"k": 1}),
    ],
)
def test_result_and_output_paths(fields: dict[str, Json], expected: Json) -> None:
    assert output_of({"a": task(**fields)}, {"k": 1}, a=lambda call: "result") == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"k": 1}),
        ({"Result": [1]}, [1]),
        ({"Result": None}, None),
        ({"Result": 5, "ResultPath": "$.r"}, {"k": 1, "r": 5}),
        ({"Parameters": {"x.$": "$.k"}}, {"x": 1}),
        ({"InputPath": "$.k", "ResultPath": "$.r"}, {"k": 1, "r": 1}),
        ({"InputPath": None}, {}),
        ({"ResultPath": None, "Result": 1}, {"k": 1}),
    ],
)
def test_pass(fields: dict[str, Json], expected: Json) -> None:
    assert output_of({"p": {"Type": "Pass", **fields}}, {"k": 1}) == expected


def test_a_failing_path_fails_the_execution_and_names_the_state() -> None:
    world = FakeWorld()
    outcome = outcome_of({"a": task(Parameters={"x.$": "$.nope"})}, world)
    assert outcome == Outcome(
        "FAILED",
        error="States.Runtime",
        cause="An error occurred while executing the state 'a'. The field 'x.$': "
        "The JSONPath '$.nope' could not be found in the input.",
    )
    assert world.calls == []
    assert world.events[-1] == Event(
        "ExecutionFailed", details={"error": outcome.error, "cause": outcome.cause}
    )


def test_an_unsupported_intrinsic_fails_the_execution_by_name() -> None:
    outcome = outcome_of(
        {"a": {"Type": "Pass", "Parameters": {"x.$": "States.UUID()"}}}, FakeWorld()
    )
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert "States.UUID" in outcome.cause
    assert outcome.cause.endswith("is not run by the local target")


def test_a_state_that_is_not_there() -> None:
    outcome = outcome_of({"a": task(Next="b")}, FakeWorld())
    assert (outcome.error, "'b'" in outcome.cause) == ("States.Runtime", True)


# Choice, Succeed, Fail


def choice(default: bool = True) -> dict[str, Json]:
    rules = [{"Variable": "$.x", "StringEquals": v, "Next": v} for v in ("left", "right")]
    chosen: dict[str, Json] = {"Type": "Choice", "Choices": rules}
    return {
        "c": {**chosen, "Default": "other"} if default else chosen,
        **{n: {"Type": "Pass", "Result": n.upper()} for n in ("left", "right", "other")},
    }


@pytest.mark.parametrize(
    ("x", "expected"), [("left", "LEFT"), ("right", "RIGHT"), ("up", "OTHER"), (1, "OTHER")]
)
def test_choice(x: Json, expected: str) -> None:
    assert output_of(choice(), {"x": x}) == expected


def test_choice_passes_its_input_on() -> None:
    states = choice()
    states["left"] = {"Type": "Succeed"}
    world = FakeWorld()
    assert outcome_of(states, world, {"x": "left"}).output == {"x": "left"}
    assert world.types("Choice", "Succeed") == [
        "ChoiceStateEntered",
        "ChoiceStateExited",
        "SucceedStateEntered",
        "SucceedStateExited",
    ]


def test_no_choice_matched() -> None:
    outcome = outcome_of(choice(default=False), FakeWorld(), {"x": "up"})
    assert (outcome.status, outcome.error) == ("FAILED", "States.NoChoiceMatched")
    assert "'c'" in outcome.cause


def test_a_choice_on_a_missing_variable() -> None:
    outcome = outcome_of(choice(), FakeWorld(), {})
    assert outcome.error == "States.Runtime"
    assert "'$.x'" in outcome.cause


def test_fail() -> None:
    world = FakeWorld()
    outcome = outcome_of({"f": {"Type": "Fail", "Error": "Mine", "Cause": "why"}}, world)
    assert outcome == Outcome("FAILED", error="Mine", cause="why")
    assert world.types() == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


def test_a_loop_has_a_path_for_every_visit() -> None:
    states = {
        "again": task(Next="check"),
        "check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "more", "Next": "again"}],
            "Default": "done",
        },
        "done": {"Type": "Succeed"},
    }
    answers = iter(["more", "more", "enough"])
    world = FakeWorld(again=lambda call: next(answers))
    assert outcome_of(states, world).output == "enough"
    assert world.paths == ["/again", "/again#2", "/again#3"]
    assert [call.attempt for call in world.calls] == [1, 1, 1]


def test_a_loop_without_any_wait_can_be_timed_out() -> None:
    world = FakeWorld()
    definition = machine({"a": {"Type": "Pass", "Next": "a"}}, TimeoutSeconds=1)
    loop_time = time.monotonic()
    outcome = asyncio.run(execution(definition, world))
    assert outcome.status == "TIMED_OUT"
    assert time.monotonic() - loop_time < 5


# Retry and Catch


def retry(*names: str, **fields: Json) -> Json:
    return {"ErrorEquals": list(names), **fields}


def test_retries_wait_longer_and_longer() -> None:
    world = FakeWorld(a=fails_first(4))
    state = task(Retry=[retry("E", IntervalSeconds=3, BackoffRate=2, MaxAttempts=5)])
    assert outcome_of({"a": state}, world).output == "done"
    assert world.slept == [3, 6, 12, 24]
    assert [(call.path, call.attempt) for call in world.calls] == [
        ("/a", attempt) for attempt in (1, 2, 3, 4, 5)
    ]
    assert world.types("Task") == [
        "TaskStateEntered",
        *("TaskScheduled", "TaskFailed") * 4,
        *("TaskScheduled", "TaskSucceeded", "TaskStateExited"),
    ]


def test_a_retry_waits_no_longer_than_its_maximum() -> None:
    world = FakeWorld(a=fails_first(4))
    retrier = retry("E", IntervalSeconds=3, BackoffRate=2, MaxAttempts=5, MaxDelaySeconds=10)
    outcome_of({"a": task(Retry=[retrier])}, world)
    assert world.slept == [3, 6, 10, 10]


def test_full_jitter_waits_up_to_the_delay() -> None:
    world = FakeWorld(a=fails_first(100))
    retrier = retry("E", IntervalSeconds=8, BackoffRate=1, MaxAttempts=100, JitterStrategy="FULL")
    outcome_of({"a": task(Retry=[retrier])}, world)
    assert len(world.slept) == 100
    assert 0 <= min(world.slept) < 2
    assert 6 < max(world.slept) <= 8


def test_the_defaults_of_a_retrier() -> None:
    world = FakeWorld(a=fails("E", "last"))
    outcome = outcome_of({"a": task(Retry=[retry("States.ALL")])}, world)
    assert outcome == Outcome("FAILED", error="E", cause="last")
    assert world.slept == [1, 2, 4]


def test_no_retry_at_all() -> None:
    world = FakeWorld(a=fails("E"))
    outcome_of({"a": task(Retry=[retry("E", MaxAttempts=0), retry("States.ALL")])}, world)
    assert len(world.calls) == 1


def test_every_retrier_has_its_own_count() -> None:
    errors = iter(["A", "B", "A", "B", "A"])

    def answer(call: TaskCall) -> Json:
        raise StateError(next(errors))

    world = FakeWorld(a=answer)
    retriers = [
        retry("A", IntervalSeconds=1, MaxAttempts=2),
        retry("B", IntervalSeconds=10, MaxAttempts=2),
    ]
    assert outcome_of({"a": task(Retry=retriers)}, world).error == "A"
    assert world.slept == [1, 10, 2, 20]


def test_a_second_visit_starts_its_retries_anew() -> None:
    seen: list[str] = []

    def answer(call: TaskCall) -> Json:
        seen.append(call.path)
        if call.attempt <= 2:
            raise StateError("E")
        return "more" if call.path == "/a" else "enough"

    states = {
        "a": task(Retry=[retry("E", MaxAttempts=2)], Next="c"),
        "c": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "more", "Next": "a"}],
            "Default": "end",
        },
        "end": {"Type": "Succeed"},
    }
    assert output_of(states, a=answer) == "enough"
    assert seen == ["/a"] * 3 + ["/a#2"] * 3


def test_the_retry_count_is_in_the_context_object() -> None:
    world = FakeWorld(a=fails_first(2))
    state = task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[retry("E")])
    outcome_of({"a": state}, world)
    assert [call.parameters for call in world.calls] == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("pattern", "error", "matches"),
    [
        ("E", "E", True),
        ("E", "E2", False),
        ("States.ALL", "E", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.TaskFailed", True),
        ("States.ALL", "States.NoChoiceMatched", True),
        ("States.TaskFailed", "E", True),
        ("States.TaskFailed", "States.TaskFailed", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.Timeout", "States.Timeout", True),
        ("States.Timeout", "E", False),
        ("States.ALL", "States.Runtime", False),
        ("States.TaskFailed", "States.Runtime", False),
        ("States.Runtime", "States.Runtime", False),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
    ],
)
def test_which_errors_match(pattern: str, error: str, matches: bool) -> None:
    handled = {"ErrorEquals": ["Other", pattern]}
    caught = task(Catch=[{**handled, "Next": "ok"}])
    states = {"a": caught, "ok": {"Type": "Succeed"}}
    assert outcome_of(states, FakeWorld(a=fails(error))).status == (
        "SUCCEEDED" if matches else "FAILED"
    )
    world = FakeWorld(a=fails(error))
    outcome_of({"a": task(Retry=[{**handled, "MaxAttempts": 1}])}, world)
    assert len(world.calls) == (2 if matches else 1)


@pytest.mark.parametrize(
    ("result_path", "expected"),
    [
        ({}, {"Error": "E", "Cause": "why"}),
        ({"ResultPath": "$.error"}, {"k": 1, "error": {"Error": "E", "Cause": "why"}}),
        ({"ResultPath": None}, {"k": 1}),
    ],
)
def test_catch(result_path: dict[str, Json], expected: Json) -> None:
    catchers = [
        {"ErrorEquals": ["Another"], "Next": "wrong"},
        {"ErrorEquals": ["E"], "Next": "caught", **result_path},
        {"ErrorEquals": ["States.ALL"], "Next": "wrong"},
    ]
    state = task(Catch=catchers, InputPath="$.k", OutputPath="$.never")
    states = {"a": state, "caught": {"Type": "Succeed"}, "wrong": {"Type": "Fail", "Error": "W"}}
    world = FakeWorld(a=fails("E", "why"))
    assert outcome_of(states, world, {"k": 1}).output == expected
    assert world.types("Task")[-2:] == ["TaskFailed", "TaskStateExited"]


def test_catch_comes_after_retry() -> None:
    world = FakeWorld(a=fails("E"))
    state = task(
        Retry=[retry("E", MaxAttempts=2)], Catch=[{"ErrorEquals": ["States.ALL"], "Next": "b"}]
    )
    outcome_of({"a": state, "b": {"Type": "Succeed"}}, world)
    assert len(world.calls) == 3


def test_an_error_of_the_interpreter_itself_can_be_caught() -> None:
    state = task(
        Parameters={"x.$": "States.StringToJson('{')".replace("{", r"\{")},
        Catch=[{"ErrorEquals": ["States.IntrinsicFailure"], "Next": "b"}],
    )
    caught = output_of({"a": state, "b": {"Type": "Succeed"}})
    assert caught["Error"] == "States.IntrinsicFailure"
    assert "the state 'a'" in caught["Cause"]


# Timeouts


def test_a_task_times_out() -> None:
    world = FakeWorld(a=an_hour)
    outcome = outcome_of({"a": task(TimeoutSeconds=60)}, world)
    assert outcome == Outcome(
        "FAILED", error="States.Timeout", cause="The task took longer than its 60 seconds."
    )
    assert world.types("Task") == ["TaskStateEntered", "TaskScheduled", "TaskTimedOut"]


def test_a_task_within_its_timeout() -> None:
    assert outcome_of({"a": task(TimeoutSeconds=3601)}, FakeWorld(a=an_hour)).status == "SUCCEEDED"


def test_every_try_has_the_whole_timeout_and_a_timeout_can_be_retried() -> None:
    async def answer(call: TaskCall) -> Json:
        await asyncio.sleep(90 if call.attempt < 3 else 50)
        return "done"

    world = FakeWorld(a=answer)
    state = task(TimeoutSeconds=60, Retry=[retry("States.Timeout")])
    assert outcome_of({"a": state}, world).output == "done"
    assert world.types("TaskTimedOut", "TaskSucc") == ["TaskTimedOut"] * 2 + ["TaskSucceeded"]


def test_an_execution_times_out() -> None:
    world = FakeWorld(left=an_hour, right=an_hour)
    fork = parallel(
        {"left": task()}, {"right": task()}, Catch=[retry("States.ALL", Next="b")], Retry=[]
    )
    states = {"fork": fork, "b": {"Type": "Succeed"}}
    outcome = outcome_of(states, world, TimeoutSeconds=100)
    assert (outcome.status, outcome.error) == ("TIMED_OUT", "States.Timeout")
    assert world.types("Execution") == ["ExecutionStarted", "ExecutionTimedOut"]
    assert sorted(world.types("TaskStateA", "ParallelStateA")) == [
        "ParallelStateAborted",
        "TaskStateAborted",
        "TaskStateAborted",
    ]


def test_an_execution_that_times_out_while_it_waits_to_retry() -> None:
    world = FakeWorld(a=fails("E"))
    definition = machine({"a": task(Retry=[retry("E", IntervalSeconds=50)])}, TimeoutSeconds=60)
    outcome = run(
        execute(definition, name="n", arn=ARN, input={}, started="", world=world)  # real sleep
    )
    assert outcome.status == "TIMED_OUT"
    assert len(world.calls) == 2


def test_a_timeout_outranks_what_a_cancelled_task_answers() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise StateError("Batch.Killed") from None

    world = FakeWorld(a=answer)
    state = task(Retry=[retry("States.ALL")], Catch=[{"ErrorEquals": ["States.ALL"], "Next": "b"}])
    states = {"a": state, "b": {"Type": "Succeed"}}
    assert outcome_of(states, world, TimeoutSeconds=60).status == "TIMED_OUT"
    assert len(world.calls) == 1


def test_a_timeout_error_of_the_world_is_its_bug_not_a_timeout_of_the_task() -> None:
    def answer(call: TaskCall) -> Json:
        raise TimeoutError("the database did not answer")

    definition = machine({"a": task(TimeoutSeconds=60)}, TimeoutSeconds=100)
    with pytest.raises(TimeoutError, match="database"):
        run(execution(definition, FakeWorld(a=answer)))


# Stop


def stopped(definition: asl.StateMachine, world: FakeWorld, input: Json = None) -> None:
    async def stop() -> None:
        task = asyncio.create_task(execution(definition, world, input))
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(stop())
    assert world.running == 0
    assert world.types("Execution") == ["ExecutionStarted", "ExecutionAborted"]
    assert world.events[-1].type == "ExecutionAborted"


def test_stop_cancels_everything() -> None:
    world = FakeWorld(work=forever)
    inner = each({"work": task()}, MaxConcurrency=2)
    fork = parallel({"each": inner}, {"work": task()})
    stopped(machine({"fork": fork}), world, [1, 2, 3])
    assert sorted(world.paths) == [
        "/fork[0]/each[0]/work",
        "/fork[0]/each[1]/work",
        "/fork[1]/work",
    ]
    aborted = [event.path for event in world.events if "Aborted" in event.type]
    assert sorted(aborted) == [
        "",
        "/fork",
        "/fork[0]/each",
        "/fork[0]/each[0]",
        "/fork[0]/each[0]/work",
        "/fork[0]/each[1]",
        "/fork[0]/each[1]/work",
        "/fork[1]/work",
    ]


def test_a_stop_waits_for_what_it_cancels() -> None:
    ended: list[str] = []

    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(30)
            ended.append(call.path)

    world = FakeWorld(work=answer)
    stopped(machine({"each": each({"work": task()})}), world, [1, 2])
    assert sorted(ended) == ["/each[0]/work", "/each[1]/work"]


def test_a_second_stop_does_not_leave_anything_behind() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(30)

    async def stop_twice() -> None:
        running = asyncio.create_task(execution(definition, world, [1, 2]))
        for _ in range(2):
            await asyncio.sleep(10)
            running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert world.running == 0

    world = FakeWorld(work=answer)
    definition = machine({"each": each({"work": task()})})
    run(stop_twice())


def test_a_stop_while_a_failure_cleans_up_is_still_a_stop() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(30)

    world = FakeWorld(left=answer, bad=fails("E"))
    fork = parallel(
        {"left": task()}, {"bad": task()}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "b"}]
    )
    stopped(machine({"fork": fork, "b": task()}), world)
    assert "/b" not in world.paths


def test_a_stop_outranks_retry_and_catch() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StateError("Batch.Killed") from None

    world = FakeWorld(work=answer)
    state = each(
        {"work": task()},
        Retry=[retry("States.ALL")],
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "b"}],
    )
    states = {"each": state, "b": task()}
    stopped(machine(states), world, [1, 2])
    assert world.paths == ["/each[0]/work", "/each[1]/work"]
    assert world.slept == []


def test_a_stop_is_not_undone_by_a_task_that_answers_all_the_same() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    world = FakeWorld(a=answer)
    stopped(machine({"a": task(Next="b"), "b": task()}), world)
    assert world.paths == ["/a"]


# Parallel


def test_parallel_gives_the_outputs_in_the_order_of_its_branches() -> None:
    async def slow(call: TaskCall) -> Json:
        await asyncio.sleep(5)
        return "slow"

    world = FakeWorld(left=slow, right=lambda call: "quick")
    fork = parallel({"left": task()}, {"p": {"Type": "Pass", "Next": "right"}, "right": task()})
    assert outcome_of({"fork": fork}, world, {"k": 1}).output == ["slow", "quick"]
    assert sorted(world.paths) == ["/fork[0]/left", "/fork[1]/right"]
    assert world.types("Parallel") == [
        "ParallelStateEntered",
        "ParallelStateStarted",
        "ParallelStateSucceeded",
        "ParallelStateExited",
    ]


def test_parallel_branches_run_at_once() -> None:
    met = asyncio.Barrier(3)

    async def meet(call: TaskCall) -> Json:
        await met.wait()

    assert output_of({"f": parallel(*[{"a": task()}] * 3)}, a=meet) == [None] * 3


def test_the_data_flow_of_a_parallel() -> None:
    fork = parallel(
        {"a": {"Type": "Pass"}},
        {"b": {"Type": "Pass", "Result": 2}},
        InputPath="$.in",
        ResultSelector={"first.$": "$[0]"},
        ResultPath="$.r",
    )
    assert output_of({"fork": fork}, {"in": 1}) == {"in": 1, "r": {"first": 1}}


def test_the_first_failure_in_a_parallel_cancels_and_awaits_the_others() -> None:
    ended: list[str] = []

    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(30)
            ended.append(call.path)

    async def soon(call: TaskCall) -> Json:
        await asyncio.sleep(1)
        raise StateError("E", "why")

    world = FakeWorld(left=answer, bad=soon, right=answer)
    fork = parallel({"left": task()}, {"bad": task()}, {"right": task()})
    caught = {**fork, "Catch": [{"ErrorEquals": ["E"], "Next": "b"}]}
    world.answers["b"] = lambda call: list(ended)
    outcome = outcome_of({"fork": caught, "b": task()}, world)
    assert sorted(outcome.output) == ["/fork[0]/left", "/fork[2]/right"], "ended before b began"
    assert world.types("Parallel") == [
        "ParallelStateEntered",
        "ParallelStateStarted",
        "ParallelStateFailed",
        "ParallelStateExited",
    ]
    aborted = [event.path for event in world.events if event.type == "TaskStateAborted"]
    assert sorted(aborted) == ["/fork[0]/left", "/fork[2]/right"]


def test_a_sibling_that_fails_while_it_is_cancelled_is_not_retried() -> None:
    async def answer(call: TaskCall) -> Json:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StateError("Batch.Killed") from None

    world = FakeWorld(left=answer, bad=fails("E"))
    fork = parallel({"left": task(Retry=[retry("States.ALL")])}, {"bad": task()})
    assert outcome_of({"fork": fork}, world).error == "E"
    assert sorted(world.paths) == ["/fork[0]/left", "/fork[1]/bad"]


def test_timeouts_hold_after_a_failed_parallel_was_caught() -> None:
    world = FakeWorld(left=forever, bad=fails("E"), b=an_hour)
    fork = parallel({"left": task()}, {"bad": task()}, Catch=[{"ErrorEquals": ["E"], "Next": "b"}])
    states = {"fork": fork, "b": task(TimeoutSeconds=60)}
    outcome = outcome_of(states, world)
    assert (outcome.status, outcome.error) == ("FAILED", "States.Timeout")
    states["b"] = task()
    assert outcome_of(states, world, TimeoutSeconds=60).status == "TIMED_OUT"


def test_a_retried_parallel_runs_all_branches_at_new_places() -> None:
    def answer(call: TaskCall) -> Json:
        if call.path == "/fork[1]/bad":
            raise StateError("E")
        return call.path

    world = FakeWorld(left=lambda call: call.path, bad=answer)
    fork = parallel({"left": task()}, {"bad": task()}, Retry=[retry("E", IntervalSeconds=7)])
    assert outcome_of({"fork": fork}, world).output == ["/fork~2[0]/left", "/fork~2[1]/bad"]
    assert world.slept == [7]


def test_a_bug_of_the_world_ends_everything_and_is_not_an_error_of_the_execution() -> None:
    def bug(call: TaskCall) -> Json:
        raise ZeroDivisionError

    world = FakeWorld(left=forever, bad=bug)
    fork = parallel(
        {"left": task()}, {"bad": task()}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "b"}]
    )
    with pytest.raises(ZeroDivisionError):
        run(execution(machine({"fork": fork, "b": {"Type": "Succeed"}}), world))
    assert world.running == 0
    assert world.types("Execution") == ["ExecutionStarted"]


# Map


def test_map_gives_the_outputs_in_the_order_of_its_items() -> None:
    async def answer(call: TaskCall) -> Json:
        await asyncio.sleep(10 - call.parameters)
        return call.parameters * 10

    world = FakeWorld(work=answer)
    state = each({"work": task(Next="then"), "then": {"Type": "Pass"}})
    assert outcome_of({"each": state}, world, [1, 2, 3]).output == [10, 20, 30]
    assert world.paths == ["/each[0]/work", "/each[1]/work", "/each[2]/work"]
    assert world.types("MapState") == [
        "MapStateEntered",
        "MapStateStarted",
        "MapStateSucceeded",
        "MapStateExited",
    ]
    started = [event for event in world.events if event.type == "MapIterationStarted"]
    assert [(e.path, e.state, e.details) for e in started] == [
        (f"/each[{index}]", "each", {"index": index}) for index in range(3)
    ]
    assert world.types("MapIterationS").count("MapIterationSucceeded") == 3
    assert [e.details for e in world.events if e.type == "MapStateStarted"] == [{"length": 3}]


def test_a_result_that_is_discarded_is_not_selected_from_either() -> None:
    state = each({"work": task()}, ResultSelector={"x.$": "$[0]"}, ResultPath=None)
    assert output_of({"each": state}, [1]) == [1]


def test_a_map_over_nothing() -> None:
    world = FakeWorld()
    assert outcome_of({"each": each({"work": task()})}, world, []).output == []
    assert world.types("Map")[1:-1] == ["MapStateStarted", "MapStateSucceeded"]


def test_the_data_flow_of_a_map() -> None:
    state = each(
        {"p": {"Type": "Pass"}},
        InputPath="$.in",
        ItemsPath="$.items",
        ItemSelector={
            "i.$": "$$.Map.Item.Index",
            "v.$": "$$.Map.Item.Value.x",
            "all.$": "$.more",
            "at.$": "$$.State.Name",
        },
        ResultSelector={"last.$": "$[1]"},
        ResultPath="$.r",
    )
    data = {"in": {"items": [{"x": "a"}, {"x": "b"}], "more": 7}}
    expected = {"i": 1, "v": "b", "all": 7, "at": "each"}
    assert output_of({"each": state}, data) == {**data, "r": {"last": expected}}


def test_the_states_of_an_inline_map_see_its_item_and_the_inner_one_first() -> None:
    show = {"Type": "Pass", "Parameters": {"i.$": "$$.Map.Item.Index", "n.$": "$$.Execution.Name"}}
    inner = each({"show": show})
    outer = each({"inner": inner}, ItemsPath="$")
    assert output_of({"outer": outer}, [["a", "b"], ["c"]]) == [
        [{"i": 0, "n": "run1"}, {"i": 1, "n": "run1"}],
        [{"i": 0, "n": "run1"}],
    ]


def test_nested_maps_have_nested_places() -> None:
    world = FakeWorld()
    outer = each({"inner": each({"work": task()}), "x": {"Type": "Succeed"}}, MaxConcurrency=1)
    outcome_of({"outer": outer}, world, [["a", "b"], ["c"]])
    assert world.paths == [
        "/outer[0]/inner[0]/work",
        "/outer[0]/inner[1]/work",
        "/outer[1]/inner[0]/work",
    ]


@pytest.mark.parametrize("items", [{}, "text", 3, None])
def test_items_that_are_not_a_list(items: Json) -> None:
    world = FakeWorld()
    state = each({"work": task()}, ItemsPath="$.items")
    outcome = outcome_of({"each": state}, world, {"items": items})
    assert outcome.error == "States.Runtime"
    assert outcome.cause == (
        "An error occurred while executing the state 'each'. "
        "Reference path '$.items' must point to an array."
    )
    assert world.types("MapState") == ["MapStateEntered", "MapStateFailed"]


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
@pytest.mark.parametrize("most", [1, 3, 7])
def test_max_concurrency_is_reached_and_never_passed(mode: str, most: int) -> None:
    async def answer(call: TaskCall) -> Json:
        await asyncio.sleep(1 + call.parameters % 5)

    world = FakeWorld(work=answer)
    outcome_of({"each": each({"work": task()}, mode, MaxConcurrency=most)}, world, list(range(50)))
    assert world.peak == most
    assert len(world.calls) == 50


@pytest.mark.parametrize(
    ("mode", "items", "most"), [("INLINE", 100, 40), ("DISTRIBUTED", 500, 500)]
)
def test_concurrency_without_a_limit(mode: str, items: int, most: int) -> None:
    async def answer(call: TaskCall) -> Json:
        await asyncio.sleep(1)

    world = FakeWorld(work=answer)
    outcome_of({"each": each({"work": task()}, mode)}, world, list(range(items)))
    assert world.peak == most


def test_a_failing_item_cancels_and_awaits_the_others_and_starts_no_more() -> None:
    ended: list[str] = []

    async def answer(call: TaskCall) -> Json:
        if call.parameters == 4:
            await asyncio.sleep(1)
            raise StateError("E", "why")
        try:
            await asyncio.sleep(0 if call.parameters < 3 else 3600)
        except asyncio.CancelledError:
            await asyncio.sleep(30)
            ended.append(call.path)
            raise

    world = FakeWorld(work=answer)
    state = each({"work": task()}, MaxConcurrency=3)
    outcome = outcome_of({"each": state}, world, list(range(100)))
    assert outcome == Outcome("FAILED", error="E", cause="why")
    assert len(world.calls) == 6
    assert sorted(ended) == ["/each[3]/work", "/each[5]/work"]
    assert world.types("MapStateF") == ["MapStateFailed"]
    failed = [event for event in world.events if event.type == "MapIterationFailed"]
    assert [(e.path, e.details) for e in failed] == [("/each[4]", {"index": 4, "error": "E"})]
    assert sorted(e.path for e in world.events if e.type == "MapIterationAborted") == [
        "/each[3]",
        "/each[5]",
    ]


def test_retry_and_catch_inside_and_around_a_map() -> None:
    def answer(call: TaskCall) -> Json:
        if call.attempt == 1 or "~" not in call.path:
            raise StateError("E")
        return call.path

    world = FakeWorld(work=answer)
    inner = task(Retry=[retry("E", MaxAttempts=1, IntervalSeconds=5)])
    state = each({"work": inner}, Retry=[retry("E", MaxAttempts=1, IntervalSeconds=9)])
    assert outcome_of({"each": state}, world, ["x"]).output == ["/each~2[0]/work"]
    assert world.slept == [5, 9, 5]


def test_a_failing_item_selector_names_the_map() -> None:
    state = each({"work": task()}, ItemSelector={"x.$": "$.nope"}, ItemsPath="$.items")
    outcome = outcome_of({"each": state}, FakeWorld(), {"items": [1]})
    assert outcome.error == "States.Runtime"
    assert "the state 'each'. The field 'x.$'" in outcome.cause


# Distributed Map


def reader(**parameters: Json) -> Json:
    return {
        "Resource": asl.integration(asl.S3_ITEM_READER),
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": parameters,
    }


def writer(**parameters: Json) -> Json:
    return {"Resource": asl.integration(asl.S3_RESULT_WRITER), "Parameters": parameters}


def test_a_distributed_iteration_is_an_execution_of_its_own() -> None:
    show = {
        "name.$": "$$.Execution.Name",
        "id.$": "$$.Execution.Id",
        "input.$": "$$.Execution.Input",
        "machine.$": "$$.StateMachine.Name",
    }
    state = each(
        {"show": {"Type": "Pass", "Parameters": show}},
        "DISTRIBUTED",
        ItemSelector={"parent.$": "$$.Execution.Name", "i.$": "$$.Map.Item.Index"},
    )
    first, second = output_of({"start each": state}, ["a", "b"])
    assert first["input"] == {"parent": "run1", "i": 0}
    assert first["machine"] == "flow"
    assert len({"run1", first["name"], second["name"]}) == 3
    assert first["id"] == (f"arn:aws:states:eu-west-1:1:execution:flow/starteach:{first['name']}")
    assert output_of({"start each": state}, ["a", "b"])[0]["name"] == first["name"], "replayable"


def test_a_distributed_iteration_does_not_see_the_item_of_its_map() -> None:
    show = {"Type": "Pass", "Parameters": {"i.$": "$$.Map.Item.Index"}}
    outcome = outcome_of({"each": each({"show": show}, "DISTRIBUTED")}, FakeWorld(), [1])
    assert outcome.status == "FAILED"
    assert "'$$.Map.Item.Index' could not be found in the context object" in outcome.cause


def test_a_failing_distributed_iteration_fails_the_map_as_step_functions_does() -> None:
    def answer(call: TaskCall) -> Json:
        if call.parameters == 2:
            raise StateError("Batch.Failed", "why")

    world = FakeWorld(work=answer)
    state = each(
        {"work": task()},
        "DISTRIBUTED",
        Catch=[
            {"ErrorEquals": ["Batch.Failed"], "Next": "wrong"},
            {"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "right"},
        ],
    )
    states = {"e": state, "wrong": {"Type": "Fail", "Error": "W"}, "right": {"Type": "Succeed"}}
    assert outcome_of(states, world, [1, 2]).output == {
        "Error": "States.ExceedToleratedFailureThreshold",
        "Cause": "The specified tolerated failure threshold was exceeded. "
        "Item 1 failed with Batch.Failed: why",
    }


def test_item_reader() -> None:
    world = FakeWorld()
    world.objects["b", "items/run1.json"] = b'["a", "\xc3\xbc"]'
    read = reader(**{"Bucket": "b", "Key.$": "States.Format('items/{}.json', $.run)"})
    state = each({"work": task()}, "DISTRIBUTED", ItemReader=read, InputPath="$.in")
    assert outcome_of({"each": state}, world, {"in": {"run": "run1"}}).output == ["a", "ü"]


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        (None, "S3.NoSuchKeyException", "k"),
        (b"{", "States.ItemReaderFailed", "s3://b/k is not JSON"),
        (b"\xff", "States.ItemReaderFailed", "s3://b/k is not JSON"),
        (b'{"a": 1}', "States.ItemReaderFailed", "s3://b/k does not hold an array"),
    ],
)
def test_an_item_reader_that_fails(body: bytes | None, error: str, why: str) -> None:
    world = FakeWorld()
    if body is not None:
        world.objects["b", "k"] = body
    state = each({"work": task()}, "DISTRIBUTED", ItemReader=reader(Bucket="b", Key="k"))
    outcome = outcome_of({"each": state}, world)
    assert outcome.error == error
    assert why in outcome.cause
    assert world.types("MapState") == ["MapStateEntered", "MapStateFailed"]


@pytest.mark.parametrize(("prefix", "start"), [("out/", "out/"), ("out", "out/"), ("", "")])
def test_result_writer(prefix: str, start: str) -> None:
    world = FakeWorld()
    write = writer(**{"Bucket.$": "$[0]", "Prefix": prefix})
    state = each({"work": task()}, "DISTRIBUTED", ResultWriter=write)
    output = outcome_of({"each": state}, world, ["b"]).output
    [((bucket, key), body)] = world.objects.items()
    assert output["ResultWriterDetails"] == {"Bucket": "b", "Key": key}
    assert bucket == "b"
    run_id = output["MapRunArn"].rpartition(":")[2]
    assert key == f"{start}{run_id}/manifest.json"
    assert output["MapRunArn"] == f"arn:aws:states:eu-west-1:1:mapRun:flow/each:{run_id}"
    assert json.loads(body) == {
        "DestinationBucket": "b",
        "MapRunArn": output["MapRunArn"],
        "ResultFiles": {"FAILED": [], "PENDING": [], "SUCCEEDED": []},
    }


# Size


@pytest.mark.parametrize(
    "fields",
    [
        {"ResultPath": None},
        {"ResultWriter": writer(Bucket="b", Prefix="p"), "ResultPath": None},
        {"ResultWriter": writer(Bucket="b", Prefix="p")},
    ],
)
def test_results_that_nobody_reads_are_not_kept(fields: dict[str, Json]) -> None:
    class ForgetfulWorld(FakeWorld):
        def emit(self, event: Event) -> None:
            pass

        async def run_task(self, call: TaskCall) -> Json:
            return "x" * 100_000

    state = each({"work": task()}, "DISTRIBUTED", MaxConcurrency=4, **fields)
    definition = machine({"each": state})
    tracemalloc.start()
    try:
        outcome = run(execution(definition, ForgetfulWorld(), list(range(1000))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.status == "SUCCEEDED"
    assert peak < 10_000_000, "1000 results of 100 kB each would be 100 MB"


def test_a_large_map_takes_few_asyncio_tasks_and_little_time() -> None:
    alive: list[int] = []

    class CountingWorld(FakeWorld):
        def emit(self, event: Event) -> None:
            pass

        async def run_task(self, call: TaskCall) -> Json:
            if call.parameters["i"] % 1000 == 0:
                alive.append(len(asyncio.all_tasks()))
            await asyncio.sleep(0)
            return {"JobId": call.path}

    parameters = {"i.$": "$.i", "name.$": "States.Format('{}-{}', $$.Execution.Name, $.i)"}
    state = each(
        {"work": task(Parameters=parameters, ResultPath=None)},
        "DISTRIBUTED",
        MaxConcurrency=100,
        ItemReader=reader(Bucket="b", Key="k"),
        ItemSelector={"i.$": "$$.Map.Item.Index", "run.$": "$.run"},
        ResultPath=None,
    )
    world = CountingWorld()
    world.objects["b", "k"] = json.dumps(list(range(50_000))).encode()
    begun = time.process_time()
    outcome = run(execution(machine({"each": state}), world, {"run": "r"}))
    took = time.process_time() - begun
    assert outcome == Outcome("SUCCEEDED", {"run": "r"})
    assert len(alive) == 50
    assert max(alive) <= 101
    assert took < 50_000 * 0.0002


def test_tasks_that_answer_at_once_do_not_block_the_loop() -> None:
    """A World that replays a journal never waits; a stop must get through all the same."""
    world = FakeWorld()
    definition = machine({"each": each({"work": task()}, "DISTRIBUTED", MaxConcurrency=2)})

    async def stop_soon() -> None:
        running = asyncio.create_task(execution(definition, world, list(range(10_000))))
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(stop_soon())
    assert 0 < len(world.calls) < 100


def test_an_execution_goes_the_same_way_twice() -> None:
    states = {
        "fork": parallel(
            {"each": each({"work": task(Retry=[retry("E")])}, ItemsPath="$")}, {"side": task()}
        )
    }

    def answer(call: TaskCall) -> Json:
        if call.attempt == 1 and call.parameters == 1:
            raise StateError("E")
        return call.parameters

    worlds = [FakeWorld(work=answer), FakeWorld(work=answer)]
    outcomes = [outcome_of(states, world, [1, 2, 3]) for world in worlds]
    assert outcomes[0] == outcomes[1]
    assert worlds[0].calls == worlds[1].calls
    assert worlds[0].events == worlds[1].events


# check_supported


def test_a_supported_definition() -> None:
    read = task(
        Resource=asl.integration(asl.S3_GET, "aws-us-gov"),
        Parameters={"Bucket": "b", "Key.$": "$.k"},
        ResultSelector={"x.$": "States.StringToJson($.Body)"},
        Next="each",
    )
    state = each(
        {"work": task()},
        "DISTRIBUTED",
        ItemReader=reader(Bucket="b", Key="k"),
        ResultWriter=writer(Bucket="b", Prefix="p"),
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "end", "ResultPath": None}],
    )
    assert check_supported(machine({"read": read, "each": state, "end": {"Type": "Succeed"}})) == []


def test_everything_unsupported_is_named_with_its_state() -> None:
    work = task(Resource="arn:aws:states:::lambda:invoke", Parameters={"x.$": "States.UUID()"})
    states = {
        "fork": parallel({"a": work}, {"b": {"Type": "Pass", "OutputPath": "$.b[*]"}}),
        "each": each(
            {"c": task(Resource="arn:aws:lambda:us-east-1:1:function:f", ResultPath="$.r[*]")},
            ItemsPath="$..i",
            ItemReader={**reader(Bucket="b", Key="k"), "Resource": asl.integration("s3:list")},
            ItemSelector={"y.$": "$$.Task.Token"},
            ResultWriter={**writer(**{"Prefix.$": "$v"}), "Resource": asl.integration("s3:put")},
            Catch=[{"ErrorEquals": ["E"], "Next": "d", "ResultPath": "$.*"}],
        ),
        "d": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a[0:1]", "StringEquals": "x", "Next": "d"}],
        },
    }
    found = check_supported(machine(states))
    assert [text.removesuffix(" is not run by the local target") for text in found] == [
        "state 'a': the resource 'arn:aws:states:::lambda:invoke'",
        "state 'a': The intrinsic States.UUID in 'States.UUID()'",
        "state 'b': '$.b[*]'",
        "state 'each': the resource 'arn:aws:states:::s3:list'",
        "state 'each': ItemsPath beside an ItemReader",
        "state 'each': the resource 'arn:aws:states:::s3:put'",
        "state 'each': '$..i'",
        "state 'each': '$.*'",
        "state 'each': '$$.Task.Token' of the context object",
        "state 'each': '$v'",
        "state 'c': the resource 'arn:aws:lambda:us-east-1:1:function:f'",
        "state 'c': '$.r[*]'",
        "state 'd': '$.a[0:1]'",
    ]
