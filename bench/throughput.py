"""Tasks a second of a wide foreach, against Metaflow's own scheduler on the same machine."""

from statistics import mean

from local_runs import deploy, run_and_wait, their_rate
from rows import Row, at_least
from sandbox import sandbox

REQUIRED = 10


def measure(tasks: int, their_tasks: int, workers: int, rounds: int) -> list[Row]:
    """Ours before and after theirs, so that a machine that slows down meets both."""
    ours, theirs = [], []
    with sandbox() as where:
        deploy(where, tasks, workers)
        for _ in range(rounds):
            ours.append(tasks / run_and_wait(where, workers).seconds)
            theirs.append(their_rate(where, their_tasks, workers))
        ours.append(tasks / run_and_wait(where, workers).seconds)
    note = (
        f"Ours: {tasks:,} tasks over the whole run, from its recorded start to its end, "
        f"{' '.join(f'{rate:.1f}' for rate in ours)}. Theirs: `python flow.py run "
        f"--max-workers {workers}` with {their_tasks} tasks (its rate is constant), its foreach alone, "
        f"without its start-up, start, join and end: {' '.join(f'{rate:.2f}' for rate in theirs)}."
    )
    return [
        at_least(
            f"foreach of {tasks:,}, width {workers}",
            f"{mean(ours):.1f} tasks/s",
            f"{mean(theirs):.2f} tasks/s",
            mean(ours) / mean(theirs),
            REQUIRED,
            note,
        )
    ]
