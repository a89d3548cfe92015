"""What makes a container: one job definition per distinct shape, not per step.

Its name is a hash of its content, so it is registered only when its content is new, and a flow of 100
alike steps has one. Code, step and run come in the Task state, hence a change of code registers none.
"""

import hashlib
import json
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from sfnflow.graph import Step

DAY = 24 * 60 * 60
# Metaflow's METAFLOW_DEFAULT_RUNTIME_LIMIT: a task without @timeout may take five days.
DEFAULT_LIMIT_SECONDS = 5 * DAY
# Batch kills without a word, and does not retry what it timed out
# (https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html). Metaflow's own timer in the
# job ends the step with its cause, retried and caught as any failure: it has to win.
TIMEOUT_GRACE_SECONDS = 60
# What @resources gives a step that does not say (metaflow.plugins.resources_decorator).
DEFAULT_VCPUS, DEFAULT_MEMORY_MB = 1, 4096


class JobDefinition(BaseModel):
    """The shape of a container. Memory in MB, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vcpus: float = DEFAULT_VCPUS
    memory: int = DEFAULT_MEMORY_MB
    gpus: int = 0
    image: str | None = None
    environment: dict[str, str] = {}
    attempts: int = 1
    timeout_seconds: int = DEFAULT_LIMIT_SECONDS

    @cached_property
    def name(self) -> str:
        """`sfnflow-` and a hash of the content: equal shapes share a definition."""
        content = json.dumps(self.model_dump(), sort_keys=True).encode()
        return f"sfnflow-{hashlib.sha256(content).hexdigest()[:12]}"


def job_definition(step: Step) -> JobDefinition:
    """The container that a step's tasks run in."""
    limit = DEFAULT_LIMIT_SECONDS
    if step.timeout_seconds is not None:
        limit = step.timeout_seconds + TIMEOUT_GRACE_SECONDS
    wanted: dict[str, Any] = step.resources
    return JobDefinition(
        vcpus=wanted.get("cpu", DEFAULT_VCPUS),
        memory=int(wanted.get("memory", DEFAULT_MEMORY_MB)),
        gpus=int(wanted.get("gpu", 0)),
        image=_image(step),
        environment=dict(sorted(step.environment.items())),
        attempts=step.attempts,
        timeout_seconds=limit,
    )


def _image(step: Step) -> str | None:
    batch = step.decorator("batch")
    return batch.attributes.get("image") if batch else None
