"""CPU of `sfnflow create --only-json`, by the number of steps."""

import json
from collections.abc import Sequence
from pathlib import Path

from cpu import median_cpu
from flows import write_linear
from rows import Row, at_most, failed
from sandbox import PYTHON, SFNFLOW, BenchError, Sandbox, sandbox

REQUIRED = 2.5
REQUIRED_AT = 100
# Of the second half of the steps against the first: 1 is linear, 3 is quadratic. What is above 1 is
# left to the noise of subtracting times that differ by little.
REQUIRED_GROWTH = 1.5
SMALLEST, HALF, WHOLE = 2, 250, 500
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: a request's, hence a
# definition's.
DEFINITION_LIMIT = 1 << 20


def measure(extra: Sequence[int], rounds: int) -> list[Row]:
    """The ratio at 100 steps and the growth to 500; the sizes in `extra` are shown as well."""
    sizes = sorted({SMALLEST, REQUIRED_AT, HALF, WHOLE, *extra})
    with sandbox() as where:
        commands = {size: _command(where, size) for size in sizes}
        definitions, broken = {}, {}
        for size in sizes:
            try:
                definitions[size] = _deployed_bytes(where.run(*commands[size]).out)
            except BenchError as error:
                broken[size] = error
        measured = {str(size): commands[size] for size in definitions}
        cpu = median_cpu(where, {"import": [PYTHON, "-c", "import metaflow"], **measured}, rounds)
    base = cpu.pop("import")
    taken = {int(size): seconds for size, seconds in cpu.items()}
    rows = [_row(size, taken[size], base) for size in sorted(taken)]
    rows += [_growth(taken)]
    rows += [failed(f"create of {size:,} steps", "works", broken[size]) for size in sorted(broken)]
    return [*rows, _size(definitions)]


def _command(where: Sandbox, steps: int) -> list[str]:
    flow: Path = write_linear(where.folder, steps)
    return [SFNFLOW, "create", str(flow), "--only-json"]


def _deployed_bytes(printed: str) -> int:
    """The size as it is deployed: without the white space that is for a person to read."""
    return len(json.dumps(json.loads(printed), separators=(",", ":"), ensure_ascii=False).encode())


def _row(steps: int, seconds: float, base: float) -> Row:
    what = f"create --only-json, {steps:,} steps"
    ours, theirs = f"{seconds * 1000:.0f} ms CPU", f"{base * 1000:.0f} ms CPU"
    if steps != REQUIRED_AT:
        return Row(what, ours, theirs, seconds / base)
    note = 'Theirs here and around: `python -c "import metaflow"`.'
    return at_most(what, ours, theirs, seconds / base, REQUIRED, note)


def _growth(taken: dict[int, float]) -> Row:
    first = (taken[HALF] - taken[SMALLEST]) / (HALF - SMALLEST)
    second = (taken[WHOLE] - taken[HALF]) / (WHOLE - HALF)
    to_100 = (taken[REQUIRED_AT] - taken[SMALLEST]) / (REQUIRED_AT - SMALLEST)
    to_500 = (taken[WHOLE] - taken[SMALLEST]) / (WHOLE - SMALLEST)
    return at_most(
        f"create: a step of {HALF}-{WHOLE} over one of {SMALLEST}-{HALF}",
        f"{second * 1000:.2f} ms CPU",
        f"{first * 1000:.2f} ms CPU",
        second / first,
        REQUIRED_GROWTH,
        "What a further step costs, ours late against ours early: 1 is linear, 3 quadratic; above 1 "
        "is left to noise. A step costs "
        f"{to_100 * 1000:.2f} ms up to {REQUIRED_AT}, {to_500 * 1000:.2f} ms up to {WHOLE}.",
    )


def _size(definitions: dict[int, int]) -> Row:
    """Of the longest flow that could be created."""
    longest = max(definitions)
    each = ", ".join(f"{size / steps:.0f} ({steps:,})" for steps, size in definitions.items())
    return at_most(
        f"definition of {longest:,} steps over 1 MiB",
        f"{definitions[longest]:,} bytes",
        "1,048,576 bytes",
        definitions[longest] / DEFINITION_LIMIT,
        1,
        f"Bytes a step (steps): {each}.",
    )
