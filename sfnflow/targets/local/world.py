"""What an execution does outside of itself, on this machine: jobs are processes, S3 is a folder."""

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.runtime.folder import FolderStore
from sfnflow.targets.local.execution import Event, StateError, TaskCall
from sfnflow.targets.local.jobs import Jobs
from sfnflow.targets.local.journal import Journal
from sfnflow.targets.local.layout import Layout


class LocalWorld:
    """Batch, S3 and history of one execution."""

    def __init__(self, layout: Layout, jobs: Jobs, journal: Journal) -> None:
        self._layout, self._jobs, self._journal = layout, jobs, journal

    async def run_task(self, call: TaskCall) -> Json:
        """Runs a Batch job to its end, or reads an object."""
        match call.resource:
            case asl.BATCH_SUBMIT:
                return await self._jobs.submit(call)
            case asl.S3_GET:
                bucket, key = call.parameters["Bucket"], call.parameters["Key"]
                return {"Body": (await self.read_object(bucket, key)).decode()}
            case _:
                raise StateError(
                    "States.Runtime", f"{call.resource} is not run by the local target"
                )

    async def read_object(self, bucket: str, key: str) -> bytes:
        """Reads from the folder that stands for the bucket."""
        try:
            return self._bucket(bucket).get(key)
        except FileNotFoundError:
            raise StateError("S3.NoSuchKeyException", f"There is no s3://{bucket}/{key}") from None

    async def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Writes to the folder that stands for the bucket."""
        self._bucket(bucket).put(key, body)

    def emit(self, event: Event) -> None:
        """Keeps a history event."""
        self._journal.event(event)

    def _bucket(self, bucket: str) -> FolderStore:
        return FolderStore(self._layout.bucket(bucket))
