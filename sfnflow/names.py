"""Names that people mistype."""

import difflib
from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """`Did you mean X?` for the nearest known name, or nothing.

    A flow of a project is deployed as `project.branch.Flow`; its last part alone is near as well.
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = [lower for lower in by_lower if lower.endswith(f".{name.lower()}")]
    close = close or difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"Did you mean {by_lower[close[0]]}?" if close else ""
