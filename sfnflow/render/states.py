"""Steps -> states.

| step | states |
|---|---|
| linear, start, end, join | one Task |
| split | Task, then Parallel; each branch ends before the matching join |
| foreach | Task, then Map: DISTRIBUTED reading the items file; inside of another Map, INLINE |

State data is nothing at the top, and the run and index path inside a Map: branch and item outputs
count against 256 KiB together, so every Task discards its result.
"""

from typing import NamedTuple

from sfnflow import asl
from sfnflow.config import RenderSettings
from sfnflow.graph import Flow, Step

# AWS Batch admits 50 submits a second; Step Functions is told to wait and try again
# (https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html).
_THROTTLED = asl.Retrier(
    error_equals=("Batch.AWSBatchException",),
    interval_seconds=2,
    max_attempts=10,
    backoff_rate=2,
    max_delay_seconds=60,
    jitter_strategy="FULL",
)


class _Scope(NamedTuple):
    """Where a state stands: how it says which run and index path it is in, and where it must stop."""

    stop: str | None = None
    in_map: bool = False

    @property
    def run(self) -> str:
        # A DISTRIBUTED Map's items are executions with names of their own.
        return "$.run" if self.in_map else "$$.Execution.Name"


def render_states(
    flow: Flow, settings: RenderSettings, code: str, jobs: dict[str, str]
) -> dict[str, asl.State]:
    """All states of the flow. `jobs` names the job definition of each step."""
    return _Renderer(flow, settings, code, jobs).machine(flow.start, _Scope())


class _Renderer:
    def __init__(
        self, flow: Flow, settings: RenderSettings, code: str, jobs: dict[str, str]
    ) -> None:
        self.flow, self.settings, self.code, self.jobs = flow, settings, code, jobs

    def machine(self, first: str, scope: _Scope) -> dict[str, asl.State]:
        """The states from `first` up to where the scope stops or the flow ends."""
        states: dict[str, asl.State] = {}
        name: str | None = first
        while name is not None and name != scope.stop:
            step = self.flow.step(name)
            states.update(self._step(step, scope))
            name = step.matching_join or next(iter(step.next), None)
        return states

    def _step(self, step: Step, scope: _Scope) -> dict[str, asl.State]:
        match step.kind:
            case "split":
                return self._split(step, scope)
            case "foreach":
                return self._foreach(step, scope)
            case "linear" | "join" | "end":
                following = next(iter(step.next), None)
                onward = None if following == scope.stop else following
                return {step.name: self._task(step, scope, onward)}
            case _:
                raise ValueError(f"step {step.name} of kind {step.kind} cannot be rendered")

    def _split(self, step: Step, scope: _Scope) -> dict[str, asl.State]:
        inner = scope._replace(stop=step.matching_join)
        parallel = asl.ParallelState(
            branches=tuple(
                asl.Branch(start_at=branch, states=self.machine(branch, inner))
                for branch in step.next
            ),
            result_selector={},
            result_path=None,
            next=step.matching_join,
        )
        branches = f"{step.name} branches"
        return {step.name: self._task(step, scope, branches), branches: parallel}

    def _foreach(self, step: Step, scope: _Scope) -> dict[str, asl.State]:
        body = step.next[0]
        inner = _Scope(stop=step.matching_join, in_map=True)
        states = self.machine(body, inner)
        each, splits = f"{step.name} each", f"{step.name} splits"
        if not scope.in_map:
            return {
                step.name: self._task(step, scope, each),
                each: self._distributed_map(step, scope, body, states),
            }
        return {
            step.name: self._task(step, scope, splits),
            splits: self._read_items(step, scope, each),
            each: self._inline_map(step, scope, body, states),
        }

    def _distributed_map(
        self, step: Step, scope: _Scope, body: str, states: dict[str, asl.State]
    ) -> asl.MapState:
        """A Map that neither 25,000 events nor 40 workers nor 256 KiB bound.

        https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
        """
        folder = f"{self.settings.prefix}/{self.flow.name}/{{}}/map/{step.name}"
        return asl.MapState(
            item_reader=asl.ItemReader(
                resource=self._integration(asl.S3_ITEM_READER),
                reader_config=asl.ReaderConfig(input_type="JSON"),
                parameters=self._items_object(step, scope),
            ),
            item_selector=self._item(scope),
            item_processor=asl.ItemProcessor(
                processor_config=asl.ProcessorConfig(mode="DISTRIBUTED", execution_type="STANDARD"),
                start_at=body,
                states=states,
            ),
            max_concurrency=self.settings.max_workers,
            result_writer=asl.ResultWriter(
                resource=self._integration(asl.S3_RESULT_WRITER),
                parameters={
                    "Bucket": self.settings.bucket,
                    "Prefix.$": f"States.Format('{folder}', {scope.run})",
                },
            ),
            result_path=None,
            next=step.matching_join,
        )

    def _inline_map(
        self, step: Step, scope: _Scope, body: str, states: dict[str, asl.State]
    ) -> asl.MapState:
        return asl.MapState(
            items_path="$.splits.items",
            item_selector=self._item(scope),
            item_processor=asl.ItemProcessor(
                processor_config=asl.ProcessorConfig(mode="INLINE"), start_at=body, states=states
            ),
            max_concurrency=self.settings.max_workers,
            # The list of items goes no further than its Map.
            result_selector={},
            result_path="$.splits",
            next=step.matching_join,
        )

    def _read_items(self, step: Step, scope: _Scope, onward: str) -> asl.TaskState:
        return asl.TaskState(
            resource=self._integration(asl.S3_GET),
            parameters=self._items_object(step, scope),
            result_selector={"items.$": "States.StringToJson($.Body)"},
            result_path="$.splits",
            next=onward,
        )

    def _task(self, step: Step, scope: _Scope, onward: str | None) -> asl.TaskState:
        start = step.name == self.flow.start
        environment = [
            {"Name": "SFNFLOW_STEP", "Value": step.name},
            {"Name": "SFNFLOW_CODE", "Value": self.code},
            {"Name": "SFNFLOW_RUN", "Value.$": scope.run},
        ]
        if scope.in_map:
            environment.append({"Name": "SFNFLOW_PATH", "Value.$": "$.path"})
        if start:
            whole = "States.JsonToString($$.Execution.Input)"
            environment.append({"Name": "SFNFLOW_INPUT", "Value.$": whole})
        return asl.TaskState(
            resource=self._integration(asl.BATCH_SUBMIT),
            parameters={
                "JobName": f"{self.flow.name}-{step.name}"[:128],
                "JobDefinition": self.jobs[step.name],
                "JobQueue": self.settings.queue,
                "ContainerOverrides": {"Environment": environment},
            },
            retry=(_THROTTLED,),
            # The start state drops the input once it is handed over; the others pass on what they got.
            result_selector={} if start else None,
            result_path="$" if start else None,
            next=onward,
            end=onward is None,
        )

    def _items_object(self, step: Step, scope: _Scope) -> dict[str, str]:
        """Where a foreach's task has written its items; see runtime.ledger for the layout."""
        folder = f"{self.settings.prefix}/{self.flow.name}/{{}}/items/{step.name}"
        key = f"States.Format('{folder}/_.json', {scope.run})"
        if scope.in_map:
            key = f"States.Format('{folder}/{{}}.json', {scope.run}, $.path)"
        return {"Bucket": self.settings.bucket, "Key.$": key}

    def _item(self, scope: _Scope) -> dict[str, str]:
        path = "States.Format('{}', $$.Map.Item.Value)"
        if scope.in_map:
            path = "States.Format('{}.{}', $.path, $$.Map.Item.Value)"
        return {"run.$": scope.run, "path.$": path}

    def _integration(self, name: str) -> str:
        return asl.integration(name, self.settings.partition)
