"""sfnflow stop RUN"""

from typing import Annotated

import typer


def stop(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.")],
) -> None:
    """End a run and its tasks. What was done is kept; `redrive` goes on."""
    from sfnflow.cli.context import target
    from sfnflow.cli.output import print_next, say
    from sfnflow.run import stop as end

    where = target()
    ended = end(where, run)
    say(f"{ended.id} is stopped.")
    print_next(f"sfnflow status {ended.id}", f"sfnflow redrive {ended.id}")
