"""What becomes of a state's error: which Retry or Catch matches it, and how long a retry waits.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

import random

from sfnflow import asl
from sfnflow.asl import Json
from sfnflow.targets.local import paths
from sfnflow.targets.local.execution import StateError


def next_delay(
    retriers: tuple[asl.Retrier, ...], retries: list[int], error: StateError
) -> float | None:
    """How long to wait before the next try, or None. Counts it in `retries`, one a retrier."""
    for number, retrier in enumerate(retriers):
        if _matches(retrier.error_equals, error.error):
            if retries[number] >= retrier.max_attempts:
                return None
            delay = retrier.interval_seconds * retrier.backoff_rate ** retries[number]
            retries[number] += 1
            if retrier.max_delay_seconds is not None:
                delay = min(delay, retrier.max_delay_seconds)
            return random.uniform(0, delay) if retrier.jitter_strategy == "FULL" else delay
    return None


def catch(
    catchers: tuple[asl.Catcher, ...], data: Json, error: StateError
) -> tuple[Json, str | None]:
    """The data and the state that follow an error nobody retries; raises it if none catches it."""
    for catcher in catchers:
        if _matches(catcher.error_equals, error.error):
            description = {"Error": error.error, "Cause": error.cause}
            return paths.place(catcher.result_path, data, description), catcher.next
    raise error


def _matches(names: tuple[str, ...], error: str) -> bool:
    if error == "States.Runtime":
        return False
    if error in names:
        return True
    if error == "States.DataLimitExceeded":
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")
