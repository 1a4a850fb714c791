"""How long Meta wants no call, as its headers say.

Sources: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

USAGE: Final = "X-Business-Use-Case-Usage"
LONGEST: Final = 3600.0
"""No pause is longer, whatever a header says: then it is asked again."""

_SECONDS: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?", re.ASCII)


def named_pause(headers: Mapping[str, str]) -> float:
    """The longest pause that the headers name, in seconds; 0 where they name none."""
    given = headers.get("Retry-After", "")
    seconds = float(given) if _SECONDS.fullmatch(given) else 0.0
    return min(LONGEST, max(seconds, 60 * _minutes(headers.get(USAGE, ""))))


def _minutes(usage: str) -> float:
    """The longest time until a business's access is regained, over all its uses."""
    try:
        found = json.loads(usage) if usage else {}
    except (ValueError, RecursionError):
        return 0.0
    uses = [use for several in _values(found) if isinstance(several, list) for use in several if isinstance(use, dict)]
    return max((_time(use.get("estimated_time_to_regain_access")) for use in uses), default=0.0)


def _values(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, dict) else []


def _time(told: Any) -> float:
    return float(told) if type(told) in {int, float} and 0 <= told < math.inf else 0.0
