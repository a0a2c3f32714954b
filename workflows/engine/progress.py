"""Notice a run that goes in circles: the same steps leading to the same state again.

Each visit to a step of a workflow that can repeat leaves a mark, a hash of the step and of what is
set there. When the last marks are the same as those just before them, what follows would be the
same once more: nothing has changed but the count. A wait ends the suspicion, for the world may have
changed meanwhile.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_PERIOD = 32


def mark_of(place: str, values: Mapping[str, Any], outcome: Mapping[str, Any]) -> str:
    """Hash where a step stands and what it has led to."""
    seen = json.dumps([place, values, outcome], sort_keys=True, default=str)
    return hashlib.blake2b(seen.encode("utf-8", "replace"), digest_size=8).hexdigest()


def period_of(trace: Sequence[str]) -> int:
    """Return the length of the circle that the last marks form, 0 for none.

    It is seen when it has come round twice.
    """
    longest = min(LONGEST_PERIOD, len(trace) // 2)
    for period in range(1, longest + 1):
        if trace[-period:] == trace[-2 * period : -period]:
            return period
    return 0
