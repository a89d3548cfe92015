"""CPU time of commands, compared fairly: in turns, on warm caches, by the median."""

from collections.abc import Mapping, Sequence
from statistics import median

from sandbox import Sandbox


def median_cpu(
    where: Sandbox, commands: Mapping[str, Sequence[str]], rounds: int
) -> dict[str, float]:
    """The median CPU seconds of each command over `rounds` turns: A B C, A B C, ...

    In turns, so that whatever else the machine does meets all of them. A first turn that does not
    count fills the caches (bytecode, files).
    """
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            seconds = where.run(*command).cpu
            if turn:
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}
