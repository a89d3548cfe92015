"""Options that more than one command takes: those of the flow's own command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sfnflow.load.loader import LoadOptions

FlowFile = Annotated[Path, typer.Argument(metavar="FLOW.py", help="The flow's file, as it is.")]
With = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="SPEC", help="Add a decorator to all steps, as `run` does."),
]
ConfigFile = Annotated[
    list[str] | None,
    typer.Option("--config", metavar="NAME=FILE", help="Read a Config from a file."),
]
ConfigValue = Annotated[
    list[str] | None,
    typer.Option("--config-value", metavar="NAME=JSON", help="Give a Config its value."),
]
Branch = Annotated[str | None, typer.Option("--branch", help="The @project branch.")]
Production = Annotated[
    bool, typer.Option("--production", help="Use the @project's production branch.")
]


def load_options(
    with_: list[str] | None,
    config: list[str] | None,
    config_value: list[str] | None,
    branch: str | None,
    production: bool,
    package_suffixes: str | None = None,
) -> "LoadOptions":
    """The options as load takes them. UsageError when a NAME=VALUE is none."""
    from sfnflow.cli.context import settings
    from sfnflow.load.loader import LoadOptions

    return LoadOptions(
        decospecs=tuple(with_ or ()),
        configs=_pairs("--config", config),
        config_values=_pairs("--config-value", config_value),
        branch=branch,
        production=production,
        package_suffixes=package_suffixes,
        user=settings().user,
    )


def _pairs(option: str, texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    from sfnflow.errors import UsageError

    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"{option} takes NAME=VALUE, not {name!r}.")
    return tuple((name, value) for name, _, value in pairs)
