"""What create says when it is done."""

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from sfnflow.cli.output import emit, print_json, print_next, say, stdout
from sfnflow.deploy import CreateRequest, Plan
from sfnflow.graph import Flow, Parameter
from sfnflow.schedule import in_words, next_fires, parse
from sfnflow.targets import Deployed, Target


def print_document(target: Target, plan: Plan, deployed: Deployed | None) -> None:
    """The result for a program to read."""
    release = plan.release
    print_json(
        {
            "name": release.name,
            "flow": release.flow.name,
            "target": target.label,
            "version": deployed.version if deployed else None,
            "changes": list(plan.changes),
            "code": release.package.id,
            "namespace": f"production:{release.token}",
            "token": release.token,
            "parameters": [p.model_dump() for p in release.flow.parameters],
            "schedule": release.flow.schedule and release.flow.schedule.model_dump(),
            "notes": list(plan.notes),
        }
    )


def print_report(
    target: Target,
    request: CreateRequest,
    plan: Plan,
    deployed: Deployed | None,
    dry_run: bool,
) -> None:
    """The result for a person: what, where, and what to type next."""
    release, console = plan.release, stdout()
    console.print(Text(_headline(plan, deployed, dry_run), style="bold"))
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(target, request, plan).items():
        facts.add_row(Text(f"  {name}", style="dim"), Text(value))
    emit(console, facts)
    for note in plan.notes:
        say(f"Note: {note}")
    if not dry_run:
        given = "".join(f" -p {p.name}=..." for p in release.flow.parameters if p.must_be_given)
        print_next(f"sfnflow trigger {release.name}{given} --wait", f"sfnflow runs {release.name}")


def _headline(plan: Plan, deployed: Deployed | None, dry_run: bool) -> str:
    name = plan.release.name
    if not plan.changes:
        version = plan.live.version if plan.live else 0
        return f"{name}: no change, version {version} stays live."
    if dry_run:
        return f"{name} would be deployed: {', '.join(plan.changes)}."
    version = deployed.version if deployed else 0
    return f"{name} version {version} is live: {', '.join(plan.changes)}."


def _facts(target: Target, request: CreateRequest, plan: Plan) -> dict[str, str]:
    release = plan.release
    flow = release.flow
    facts = {
        "target": target.label,
        "snapshot": f"{release.package.id}, {len(release.package.files)} file(s) of {flow.file}",
        "steps": f"{len(flow.steps)}, at most {request.render.max_workers} tasks of a foreach at once",
        "token": release.token,
        "namespace": f"production:{release.token}",
    }
    for index, parameter in enumerate(flow.parameters):
        facts["parameters" if index == 0 else " " * index] = _parameter(parameter)
    facts["started by"] = _trigger(flow)
    return facts


def _parameter(parameter: Parameter) -> str:
    default = "required" if parameter.must_be_given else "no default"
    if parameter.default is not None:
        shown = str(parameter.default) or '""'
        default = f"default {shown if len(shown) <= 40 else shown[:40] + '…'}"
        if parameter.deploy_time:
            default += ", computed now"
    about = f" - {parameter.help}" if parameter.help else ""
    return f"{parameter.name} ({parameter.kind}, {default}){about}"


def _trigger(flow: Flow) -> str:
    by_hand = f"sfnflow trigger {flow.project.flow_name if flow.project else flow.name}"
    if flow.schedule is None:
        return by_hand
    cron, zone = parse(flow.schedule.cron), flow.schedule.timezone
    following = next_fires(cron, datetime.now(UTC), 1, zone)
    when = f", next {following[0]:%Y-%m-%d %H:%M %Z}" if following else ""
    return (
        f"schedule, {in_words(cron, zone)}{when} - on AWS; "
        f"the local target keeps no clock: {by_hand}"
    )
