"""`python bench/run.py [BENCH ...]`: measures what sfnflow promises, as ratios on this machine, now.

Each ratio is of two things measured in the same run, in turns: no absolute time is asked for, so a
slow machine and a fast one judge alike. Exit code 1 when a requirement is missed.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import create
import help as help_bench
import memory
import throughput
from rich.console import Console
from rows import Row, failed, show, write_json
from sandbox import BenchError

Bench = Callable[[], list[Row]]


def main() -> int:
    """Runs the benches that were asked for and shows one table."""
    options = _options()
    benches: dict[str, Bench] = {
        "help": lambda: help_bench.measure(options.rounds),
        "create": lambda: create.measure(options.steps, options.rounds),
        "throughput": lambda: throughput.measure(
            options.tasks, options.their_tasks, options.workers, options.throughput_rounds
        ),
        "memory": lambda: memory.measure(options.memory_tasks, options.workers),
    }
    chosen = {name: benches[name] for name in options.benches or benches}
    rows = [row for name, bench in chosen.items() for row in _measure(name, bench)]
    show(rows)
    if options.json:
        write_json(rows, options.json)
    return int(any(row.met is False for row in rows))


def _measure(name: str, bench: Bench) -> list[Row]:
    with Console(stderr=True).status(f"Measuring {name} ..."):
        try:
            return bench()
        except BenchError as error:
            return [failed(name, "works", error)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "benches", nargs="*", metavar="BENCH", help="help, create, throughput, memory; else all"
    )
    sizes = parser.add_argument_group("sizes")
    sizes.add_argument("--rounds", type=_count, default=9, help="turns of each CPU ratio")
    sizes.add_argument(
        "--steps", type=_count, nargs="+", default=[10, 1000], help="more sizes of flow to create"
    )
    sizes.add_argument("--workers", type=_count, default=16, help="the width of both foreachs")
    sizes.add_argument("--tasks", type=_count, default=1000, help="our tasks for the rate")
    sizes.add_argument("--their-tasks", type=_count, default=100, help="theirs for the rate")
    sizes.add_argument("--throughput-rounds", type=_count, default=1, help="turns of both rates")
    sizes.add_argument("--memory-tasks", type=_count, default=10_000, help="tasks for the memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    options = parser.parse_args()
    unknown = set(options.benches) - {"help", "create", "throughput", "memory"}
    if unknown:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    return options


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
