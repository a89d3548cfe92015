"""A Map: its items read, its iterations run so many at once, its results kept or written.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local import paths
from sfnflow.targets.local.concurrency import run_all
from sfnflow.targets.local.execution import DataFlowError, StateError, World
from sfnflow.targets.local.frame import Frame, emit, emit_error
from sfnflow.targets.local.paths import Context

_MOST_INLINE, _MOST_DISTRIBUTED = 40, 10_000


@dataclass(frozen=True, slots=True)
class MapRun:
    """One attempt of a Map. `run_states` runs an iteration's states, `arn` is the execution's."""

    state: asl.MapState
    frame: Frame
    world: World
    arn: str
    run_states: Callable[[asl.ItemProcessor, Frame], Awaitable[Json]]

    async def run(self) -> Json:
        """Runs it to its end; gives its result."""
        try:
            items = await self._items()
            emit(self.world, "MapStateStarted", self.frame, {"length": len(items)})
            results: Json = await self._iterations(items)
            if self.state.result_writer is not None:
                results = await self._write_manifest(self.state.result_writer)
        except StateError as error:
            emit_error(self.world, "MapStateFailed", self.frame, error)
            raise
        emit(self.world, "MapStateSucceeded", self.frame)
        return results

    @property
    def _distributed(self) -> bool:
        return self.state.item_processor.processor_config.mode == "DISTRIBUTED"

    async def _items(self) -> list[Json]:
        if self.state.item_reader is not None:
            return await self._read_items(self.state.item_reader)
        items = self.frame.read(self.state.items_path)
        if not isinstance(items, list):
            cause = f"Reference path '{self.state.items_path}' must point to an array."
            raise DataFlowError("States.Runtime", cause)
        return items

    async def _read_items(self, reader: asl.ItemReader) -> list[Json]:
        parameters = self.frame.fill(reader.parameters)
        bucket, key = parameters["Bucket"], parameters["Key"]
        body = await self.world.read_object(bucket, key)
        try:
            items = json.loads(body)
        except ValueError as error:
            cause = f"s3://{bucket}/{key} is not JSON: {error}"
            raise DataFlowError("States.ItemReaderFailed", cause) from None
        if not isinstance(items, list):
            cause = f"s3://{bucket}/{key} does not hold an array."
            raise DataFlowError("States.ItemReaderFailed", cause)
        return items

    async def _iterations(self, items: list[Json]) -> list[Json]:
        """Runs every item, as many at once as may be. Results that nobody reads are not kept."""
        kept = self.state.result_writer is None and self.state.result_path is not None
        results: list[Json] = [None] * len(items) if kept else []
        todo = iter(enumerate(items))

        async def work() -> None:
            for index, item in todo:
                result = await self._iteration(index, item)
                if kept:
                    results[index] = result

        most = self.state.max_concurrency or (
            _MOST_DISTRIBUTED if self._distributed else _MOST_INLINE
        )
        await run_all(work() for _ in range(min(most, len(items))))
        return results

    async def _iteration(self, index: int, item: Json) -> Json:
        frame = self.frame.iteration(index, item)
        emit(self.world, "MapIterationStarted", frame, {"index": index})
        try:
            result = await self.run_states(self.state.item_processor, self._entered(frame))
        except StateError as raised:
            error = raised.located(frame.state)
            emit(self.world, "MapIterationFailed", frame, {"index": index, "error": error.error})
            raise (_over_threshold(index, error) if self._distributed else error) from None
        except asyncio.CancelledError:
            emit(self.world, "MapIterationAborted", frame, {"index": index})
            raise
        emit(self.world, "MapIterationSucceeded", frame, {"index": index})
        return result

    def _entered(self, frame: Frame) -> Frame:
        """What the states of an iteration see."""
        if self.state.item_selector is not None:
            item = paths.fill(self.state.item_selector, self.frame.data, frame.context)
            frame = replace(frame, data=item)
        return replace(frame, context=self._child_context(frame)) if self._distributed else frame

    def _child_context(self, frame: Frame) -> Context:
        """A distributed iteration is an execution of its own; of its parent it has its item."""
        name = self._stable_id(frame)
        execution = {
            "Id": self._derived_arn("execution", name),
            "Input": frame.data,
            "Name": name,
            "StartTime": frame.context["Execution"]["StartTime"],
        }
        return {"Execution": execution, "StateMachine": frame.context["StateMachine"]}

    async def _write_manifest(self, writer: asl.ResultWriter) -> Json:
        """The object that tells where the results are; nobody reads them, so it lists none."""
        parameters = self.frame.fill(writer.parameters)
        run_id = self._stable_id(self.frame)
        prefix = parameters.get("Prefix", "").rstrip("/")
        bucket, key = parameters["Bucket"], f"{prefix}/{run_id}/manifest.json".lstrip("/")
        arn = self._derived_arn("mapRun", run_id)
        manifest = {
            "DestinationBucket": bucket,
            "MapRunArn": arn,
            "ResultFiles": {"FAILED": [], "PENDING": [], "SUCCEEDED": []},
        }
        await self.world.write_object(bucket, key, json.dumps(manifest).encode())
        return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

    def _stable_id(self, frame: Frame) -> str:
        """Random in Step Functions; here the same on every replay."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.arn + frame.path))

    def _derived_arn(self, kind: str, name: str) -> str:
        prefix, _, resource = self.arn.partition(":execution:")
        label = "".join(filter(str.isalnum, self.frame.state))
        return f"{prefix}:{kind}:{resource.partition(':')[0]}/{label}:{name}"


def _over_threshold(index: int, error: StateError) -> StateError:
    """What Step Functions makes of a child's failure; the reason, that it keeps quiet, is added."""
    cause = "The specified tolerated failure threshold was exceeded."
    reason = f"Item {index} failed with {error.error}: {error.cause}"
    return StateError("States.ExceedToleratedFailureThreshold", f"{cause} {reason}")
