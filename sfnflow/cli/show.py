"""sfnflow show FLOW.py"""

from pathlib import Path
from typing import Annotated

import typer


def show(
    file: Annotated[Path, typer.Argument(metavar="FLOW.py", help="The flow's file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the graph model as JSON.")] = False,
) -> None:
    """Draw a flow's graph in the terminal; deploys nothing."""
    from sfnflow.cli.context import settings
    from sfnflow.cli.graph_tree import flow_tree, parameter_lines
    from sfnflow.cli.output import print_json, stdout
    from sfnflow.load.loader import LoadOptions, load_flow

    flow = load_flow(file, LoadOptions(user=settings().user)).flow
    if json:
        print_json({"flow": flow.model_dump()})
        return
    stdout().print(flow_tree(flow))
    for line in parameter_lines(flow):
        stdout().print(line)
