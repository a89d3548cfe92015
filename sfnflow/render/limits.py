"""What a flow asks for and does not get, found before anything is deployed, all of it in one pass."""

from collections.abc import Iterator

from sfnflow.graph import Flow, Step

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 80 characters a state
# name; the longest that render adds to a step's name is " branches".
LONGEST_STEP_NAME = 80 - len(" branches")
# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html: retryStrategy takes 1 to 10.
MOST_ATTEMPTS = 10

_UNKNOWN_FLOW_DECORATORS = {
    "trigger": "@trigger is not honoured: the flow starts by `sfnflow trigger` or its schedule",
    "trigger_on_finish": "@trigger_on_finish is not honoured: no other flow's end starts this one",
    "exit_hook": "@exit_hook is not honoured: nothing is called when a run ends",
}


def find_problems(flow: Flow) -> tuple[str, ...]:
    """Why the flow cannot be rendered: `file:line: what`, one line each; empty when it can."""
    return tuple(
        f"{step.file}:{step.line}: step {step.name} {problem}"
        for step in flow.steps
        for problem in _step_problems(step)
    )


def find_notes(flow: Flow) -> tuple[str, ...]:
    """What will be deployed but not honoured, in whole sentences."""
    notes = [
        f"{_UNKNOWN_FLOW_DECORATORS[d.name]}."
        for d in flow.decorators
        if d.name in _UNKNOWN_FLOW_DECORATORS
    ]
    for step in flow.steps:
        kubernetes = step.decorator("kubernetes")
        if kubernetes:
            kept = ", ".join(f"{key}={value}" for key, value in step.resources.items())
            notes.append(
                f"Step {step.name}: of @kubernetes only CPU, memory and GPU are carried over"
                f" ({kept or 'the defaults'})."
            )
    return tuple(notes)


def _step_problems(step: Step) -> Iterator[str]:
    if step.kind == "switch":
        yield "is a switch (self.next with a condition), which is not yet rendered"
    if step.kind == "parallel":
        yield "starts a gang (num_parallel), which is not yet rendered"
    if len(step.name) > LONGEST_STEP_NAME:
        yield f"has a name of {len(step.name)} characters; Step Functions leaves {LONGEST_STEP_NAME}"
    if step.attempts > MOST_ATTEMPTS:
        yield f"may be tried {step.attempts} times; AWS Batch takes at most {MOST_ATTEMPTS}"
