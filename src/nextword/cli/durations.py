"""Durations in words."""

import math


def duration(seconds: float) -> str:
    """Write an uncertain time in words: 40 seconds, 12 minutes, 3 hours, 5 days."""
    units = ((90, 1, "second"), (5400, 60, "minute"), (172_800, 3600, "hour"), (math.inf, 86_400, "day"))
    unit, name = next((unit, name) for limit, unit, name in units if seconds < limit)
    count = max(1, round(seconds / unit))
    return f"{count:,} {name}{'s' if count > 1 else ''}"
