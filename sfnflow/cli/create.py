"""sfnflow create FLOW.py"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sfnflow.deploy import CreateRequest, Plan
    from sfnflow.targets import Deployed, Target


def create(
    file: Annotated[Path, typer.Argument(metavar="FLOW.py", help="The flow's file, as it is.")],
    max_workers: Annotated[
        int, typer.Option(min=1, help="How many tasks of a foreach run at the same time.")
    ] = 100,
    workflow_timeout: Annotated[
        int | None, typer.Option(min=1, help="End a run that takes longer, in seconds.")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="SPEC", help="Add a decorator to all steps, as `run` does."),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Read a Config from a file."),
    ] = None,
    config_value: Annotated[
        list[str] | None, typer.Option(metavar="NAME=JSON", help="Give a Config its value.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Tag every run; may be given more than once.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            help="What the Client API sees inside of steps; the production namespace "
            "unless given, and everything for an empty one."
        ),
    ] = None,
    branch: Annotated[str | None, typer.Option(help="The @project branch.")] = None,
    production: Annotated[
        bool, typer.Option("--production", help="Deploy to the @project's production branch.")
    ] = False,
    package_suffixes: Annotated[
        str | None, typer.Option(metavar=".py,.csv", help="Which files go into the snapshot.")
    ] = None,
    only_json: Annotated[
        bool, typer.Option("--only-json", help="Print the state machine; change nothing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Deploy a flow: a snapshot of its code becomes the version that `trigger` runs.

    Editing the file afterwards changes nothing until the next create. Creating the same again is
    no change.

    \b
    sfnflow create parameter_flow.py --max-workers 500
    sfnflow create parameter_flow.py --only-json | jq .
    """
    from sfnflow.cli.context import settings, target
    from sfnflow.config import RenderSettings
    from sfnflow.deploy import CreateRequest, apply_create, plan_create
    from sfnflow.load.loader import LoadOptions

    request = CreateRequest(
        file=file,
        load=LoadOptions(
            decospecs=tuple(with_ or ()),
            configs=_pairs("--config", config),
            config_values=_pairs("--config-value", config_value),
            branch=branch,
            production=production,
            package_suffixes=package_suffixes,
            user=settings().user,
        ),
        render=RenderSettings(max_workers=max_workers, workflow_timeout=workflow_timeout),
        tags=tuple(tag or ()),
        namespace=namespace,
    )
    where = target()
    plan = plan_create(where, request)
    if only_json:
        typer.echo(plan.release.machine.to_json(indent=2))
        return
    deployed = plan.live if dry_run else apply_create(where, plan)
    if json:
        _print_document(where, plan, deployed)
    else:
        _print_report(where, request, plan, deployed, dry_run)


def _pairs(option: str, texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    from sfnflow.errors import UsageError

    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"{option} takes NAME=VALUE, not {name!r}.")
    return tuple((name, value) for name, _, value in pairs)


def _print_document(target: "Target", plan: "Plan", deployed: "Deployed | None") -> None:
    from sfnflow.cli.output import print_json

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


def _print_report(
    target: "Target",
    request: "CreateRequest",
    plan: "Plan",
    deployed: "Deployed | None",
    dry_run: bool,
) -> None:
    from rich.table import Table
    from rich.text import Text

    from sfnflow.cli.output import print_next, say, stdout

    release, console = plan.release, stdout()
    console.print(Text(_headline(plan, deployed, dry_run), style="bold"))
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(target, request, plan).items():
        facts.add_row(Text(f"  {name}", style="dim"), Text(value))
    console.print(facts)
    for note in plan.notes:
        say(f"Note: {note}")
    if not dry_run:
        given = "".join(f" -p {p.name}=..." for p in release.flow.parameters if p.must_be_given)
        print_next(f"sfnflow trigger {release.name}{given} --wait", f"sfnflow runs {release.name}")


def _headline(plan: "Plan", deployed: "Deployed | None", dry_run: bool) -> str:
    name = plan.release.name
    if not plan.changes:
        version = plan.live.version if plan.live else 0
        return f"{name}: no change, version {version} stays live."
    if dry_run:
        return f"{name} would be deployed: {', '.join(plan.changes)}."
    version = deployed.version if deployed else 0
    return f"{name} version {version} is live: {', '.join(plan.changes)}."


def _facts(target: "Target", request: "CreateRequest", plan: "Plan") -> dict[str, str]:
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


def _parameter(parameter: Any) -> str:
    default = "required" if parameter.must_be_given else "no default"
    if parameter.default is not None:
        shown = str(parameter.default)
        default = f"default {shown if len(shown) <= 40 else shown[:40] + '…'}"
        if parameter.deploy_time:
            default += ", computed now"
    about = f" - {parameter.help}" if parameter.help else ""
    return f"{parameter.name} ({parameter.kind}, {default}){about}"


def _trigger(flow: Any) -> str:
    by_hand = f"sfnflow trigger {flow.project.flow_name if flow.project else flow.name}"
    if flow.schedule is None:
        return by_hand
    from datetime import UTC

    from sfnflow.schedule import in_words, next_fires, parse

    cron, zone = parse(flow.schedule.cron), flow.schedule.timezone
    following = next_fires(cron, datetime.now(UTC), 1, zone)
    when = f", next {following[0]:%Y-%m-%d %H:%M %Z}" if following else ""
    return (
        f"schedule, {in_words(cron, zone)}{when} - on AWS; "
        f"the local target keeps no clock: {by_hand}"
    )
