"""The commands, in the order that help shows them."""

from typing import Annotated, Any

import typer

from sfnflow.cli import create, delete, logs, redrive, resume, runs, show, status, stop, trigger

app = typer.Typer(
    help="Puts Metaflow flows in production: on AWS Step Functions and AWS Batch, or, without an "
    "AWS account, on this machine.",
    epilog="First steps: sfnflow create FLOW.py, then sfnflow trigger NAME --wait.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from sfnflow import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Reads what comes before the command."""


app.command()(create.create)
app.command()(trigger.trigger)
app.command()(runs.runs)
app.command()(status.status)
app.command()(logs.logs)
app.command()(stop.stop)
app.command()(redrive.redrive)
app.command()(resume.resume)
app.command()(show.show)
app.command()(delete.delete)


def command() -> Any:
    """The app as the command that `main` runs."""
    return typer.main.get_command(app)
