"""CPU of `sfnflow --help`."""

from cpu import median_cpu
from rows import Row, at_most
from sandbox import PYTHON, SFNFLOW, sandbox

REQUIRED = 2


def measure(rounds: int) -> list[Row]:
    """Against importing what prints it."""
    with sandbox() as where:
        commands = {
            "theirs": [PYTHON, "-c", "import typer, rich"],
            "ours": [SFNFLOW, "--help"],
        }
        # Short ones: more turns cost little.
        cpu = median_cpu(where, commands, rounds * 3)
    ours, theirs = cpu["ours"], cpu["theirs"]
    return [
        at_most(
            "sfnflow --help",
            f"{ours * 1000:.0f} ms CPU",
            f"{theirs * 1000:.0f} ms CPU",
            ours / theirs,
            REQUIRED,
            'Theirs: `python -c "import typer, rich"`.',
        )
    ]
