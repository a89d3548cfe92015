"""sfnflow create FLOW.py"""

from typing import Annotated

import typer

from sfnflow.cli.options import (
    Branch,
    ConfigFile,
    ConfigValue,
    FlowFile,
    Production,
    With,
    load_options,
)

DEFAULT_MAX_WORKERS = 100  # config.DEFAULT_MAX_WORKERS, which costs an import of pydantic


def create(
    file: FlowFile,
    max_workers: Annotated[
        int, typer.Option(min=1, help="How many tasks of a foreach run at the same time.")
    ] = DEFAULT_MAX_WORKERS,
    workflow_timeout: Annotated[
        int | None, typer.Option(min=1, help="End a run that takes longer, in seconds.")
    ] = None,
    with_: With = None,
    config: ConfigFile = None,
    config_value: ConfigValue = None,
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
    branch: Branch = None,
    production: Production = False,
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
    from sfnflow.cli.context import target
    from sfnflow.cli.create_report import print_document, print_report
    from sfnflow.config import RenderSettings
    from sfnflow.deploy import CreateRequest, apply_create, plan_create

    request = CreateRequest(
        file=file,
        load=load_options(with_, config, config_value, branch, production, package_suffixes),
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
        print_document(where, plan, deployed)
    else:
        print_report(where, request, plan, deployed, dry_run)
