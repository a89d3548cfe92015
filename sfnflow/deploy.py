"""create and delete. `plan_create` only describes, `apply_create` changes the target.

load -> package -> render -> plan -> apply
"""

from pathlib import Path
from typing import NamedTuple

from sfnflow.asl import StateMachine
from sfnflow.config import RenderSettings
from sfnflow.errors import FlowError, NotFoundError, RunError
from sfnflow.graph import Flow
from sfnflow.load.loader import LoadOptions, load_flow
from sfnflow.names import suggest
from sfnflow.package import Deployment, build_package
from sfnflow.render import render
from sfnflow.schedule import ScheduleError, parse
from sfnflow.targets import Deployed, Release, Target
from sfnflow.tokens import first_token, machine_name


class CreateRequest(NamedTuple):
    """What the user asks of a create."""

    file: Path
    load: LoadOptions
    render: RenderSettings
    tags: tuple[str, ...] = ()
    namespace: str | None = None


class Plan(NamedTuple):
    """What a create would do. No changes means that what is live is the same already."""

    release: Release
    live: Deployed | None
    changes: tuple[str, ...]
    notes: tuple[str, ...]


def plan_create(target: Target, request: CreateRequest) -> Plan:
    """Loads, packages and renders; looks at what is live; changes nothing.

    Raises FlowError when the file does not load or cannot be rendered as a whole.
    """
    loaded = load_flow(request.file, request.load)
    flow = loaded.flow
    _check_schedule(flow)
    name = machine_name(flow)
    token = target.get_token(name) or first_token(flow)
    deployment = Deployment(
        token=token,
        owner=request.load.user,
        tags=request.tags,
        namespace=request.namespace,
        project_options=tuple(request.load.project_options()),
    )
    package = build_package(loaded, deployment)
    rendered = render(flow, request.render, package.id)
    release = Release(
        name, flow, rendered.machine, rendered.jobs, package, token, request.load.user
    )
    live = target.get_deployed(name)
    changes = _changes(release, live)
    if not changes and not target.holds(package):
        changes = ["code repaired"]
    return Plan(release, live, tuple(changes), rendered.notes)


def apply_create(target: Target, plan: Plan) -> Deployed:
    """Makes the plan live, unless it is already. What fails leaves the former version live."""
    if plan.live is not None and not plan.changes:
        return plan.live
    target.apply(plan.release)
    deployed = target.get_deployed(plan.release.name)
    if deployed is None:
        raise NotFoundError(f"{plan.release.name} was deleted while it was being created.")
    return deployed


def apply_delete(target: Target, name: str) -> Deployed:
    """Takes a flow out of service. Refuses while a run of it is under way."""
    deployed = require_deployed(target, name)
    running = [run.id for run in target.runs(name, limit=1000) if run.status == "RUNNING"]
    if running:
        raise RunError(
            f"{name} has {len(running)} run(s) under way.",
            hint=f"Stop them first: sfnflow stop {running[0]}",
        )
    target.delete(name)
    return deployed


def require_deployed(target: Target, name: str) -> Deployed:
    """The live version of that name; NotFoundError with the nearest names when there is none."""
    deployed = target.get_deployed(name)
    if deployed is None:
        names = target.deployed_names()
        known = f"Deployed: {', '.join(names)}." if names else "Nothing is deployed here yet."
        raise NotFoundError(
            f"There is no flow {name} on the target {target.label}.",
            hint=suggest(name, names) or f"{known} `sfnflow create FLOW.py` deploys one.",
        )
    return deployed


def _changes(release: Release, live: Deployed | None) -> list[str]:
    if live is None:
        return ["new"]
    changes = []
    before, after = live.flow, release.flow
    old_steps, new_steps = {s.name for s in before.steps}, {s.name for s in after.steps}
    changes += [f"step {name} added" for name in sorted(new_steps - old_steps)]
    changes += [f"step {name} removed" for name in sorted(old_steps - new_steps)]
    if before.parameters != after.parameters:
        changes.append("parameters changed")
    if before.schedule != after.schedule:
        changes.append("schedule changed")
    old_machine = StateMachine.model_validate_json(live.definition)
    if live.code != release.package.id:
        changes.append("code changed")
    elif old_machine != release.machine and not changes:
        changes.append("settings changed")
    return changes


def _check_schedule(flow: Flow) -> None:
    if flow.schedule is None:
        return
    problems = []
    try:
        parse(flow.schedule.cron)
    except ScheduleError as error:
        problems.append(f"@schedule: {error}")
    problems += [
        f"parameter {p.name} is required and has no default: a scheduled run could not start"
        for p in flow.parameters
        if p.must_be_given
    ]
    if problems:
        raise FlowError(f"{flow.name} cannot run on its schedule.", details=problems)
