"""Whether a loaded flow may be forked: what a fork would share that processes do not.

Under `python flow.py run` each task imports the file anew. A fork has what the import made, which is
the same for nearly everything a file makes, but not for its threads (a fork has none of them) and its
random generators (all forks would draw the same numbers).
"""

import gc
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

_seeded: list[bool] = []
_states: list[Any] = []


def watch_seeding() -> None:
    """Keeps note of a `random.seed` by the file: each task then starts from that seed, as it should."""
    seed: Callable[..., None] = random.seed

    def noted(*args: Any, **kwargs: Any) -> None:
        _seeded.append(True)
        seed(*args, **kwargs)

    random.seed = noted


def remember_seed() -> None:
    """Keeps what a seed by the file has led to, for `reseed`."""
    if _seeded:
        _states.append(random.getstate())


def reseed() -> None:
    """Gives a fork random numbers of its own, or those that follow from the file's seed.

    Python itself seeds `random` anew in every fork, numpy does not.
    """
    if _states:
        random.setstate(_states[-1])
    numpy: Any = sys.modules.get("numpy.random")
    # numpy forgets its SeedSequence when it is seeded by hand.
    if numpy is not None and numpy.mtrand._rand._bit_generator._seed_seq is not None:
        numpy.seed()


def why_not() -> str:
    """Why the flow that was just loaded must not be forked; empty when it may."""
    if threading.active_count() > 1:
        names = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
        return f"it has started threads ({', '.join(names)})"
    shared = _shared_generators()
    kinds: tuple[type, ...] = (random.Random, *_numpy_kinds())
    for candidate in gc.get_objects():
        if isinstance(candidate, kinds) and not any(candidate is known for known in shared):
            return f"it has made a {type(candidate).__module__}.{type(candidate).__name__}"
    return ""


def _numpy_kinds() -> tuple[type, ...]:
    numpy: Any = sys.modules.get("numpy.random")
    return (numpy.Generator, numpy.RandomState, numpy.BitGenerator) if numpy else ()


def _shared_generators() -> list[Any]:
    """The global ones, which `reseed` sees to, and those that look after themselves in a fork."""
    shared: list[Any] = [random._inst]
    shared += [c for c in gc.get_objects() if isinstance(c, random.SystemRandom)]
    names: Any = sys.modules.get("tempfile")
    if names and hasattr(names, "_RandomNameSequence"):
        sequences = [c for c in gc.get_objects() if isinstance(c, names._RandomNameSequence)]
        shared += [vars(sequence).get("_rng") for sequence in sequences]
    numpy: Any = sys.modules.get("numpy.random")
    if numpy:
        shared += [numpy.mtrand._rand, numpy.mtrand._rand._bit_generator]
    return shared
