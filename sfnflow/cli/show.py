"""sfnflow show FLOW.py"""

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


def show(
    file: FlowFile,
    with_: With = None,
    config: ConfigFile = None,
    config_value: ConfigValue = None,
    branch: Branch = None,
    production: Production = False,
    json: Annotated[bool, typer.Option("--json", help="Print the graph model as JSON.")] = False,
) -> None:
    """Draw a flow's graph in the terminal; deploys nothing."""
    from sfnflow.cli.graph_tree import flow_tree, parameter_lines
    from sfnflow.cli.output import print_json, stdout
    from sfnflow.load.loader import load_flow

    flow = load_flow(file, load_options(with_, config, config_value, branch, production)).flow
    if json:
        print_json({"flow": flow.model_dump()})
        return
    stdout().print(flow_tree(flow))
    for line in parameter_lines(flow):
        stdout().print(line)
