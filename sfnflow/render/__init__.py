"""`graph.Flow` + settings -> state machine and job definitions. Pure and deterministic.

No clock, no randomness, no environment: the same flow and settings render the same bytes.
"""

from typing import NamedTuple

from sfnflow.asl import StateMachine
from sfnflow.config import RenderSettings
from sfnflow.errors import FlowError
from sfnflow.graph import Flow
from sfnflow.render.jobs import JobDefinition, job_definition
from sfnflow.render.limits import find_notes, find_problems
from sfnflow.render.states import render_states

__all__ = ["JobDefinition", "Rendered", "render"]


class Rendered(NamedTuple):
    """A deployable flow: the definition, the containers it needs, and what will not be honoured."""

    machine: StateMachine
    jobs: tuple[JobDefinition, ...]
    notes: tuple[str, ...]


def render(flow: Flow, settings: RenderSettings, code: str) -> Rendered:
    """Renders `flow`; its jobs run the code package with the id `code`.

    Raises FlowError naming, in one pass, everything that cannot be rendered, with file and line.
    """
    problems = find_problems(flow)
    if problems:
        raise FlowError(
            f"{flow.name} uses what sfnflow does not run.",
            hint="Nothing was changed. The lines above name each place.",
            details=problems,
        )
    jobs = {step.name: job_definition(step) for step in flow.steps}
    names = {step: job.name for step, job in jobs.items()}
    machine = StateMachine(
        comment=flow.doc.strip().partition("\n")[0] or None,
        start_at=flow.start,
        states=render_states(flow, settings, code, names),
        timeout_seconds=settings.workflow_timeout,
    )
    distinct = {job.name: job for job in jobs.values()}
    return Rendered(machine, tuple(distinct[name] for name in sorted(distinct)), find_notes(flow))
