"""Why tests were skipped, and what would run them: once for each reason, at the end of every run."""

from collections import Counter
from importlib.util import find_spec
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell each reason with the number of tests that it kept from running, or of files that were left out whole."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason, n in reasons.most_common():
        terminalreporter.write_line(f"{n} skipped: {reason.removeprefix('Skipped: ')}")


def skip_file_without(package: str, reason: str) -> None:
    """Skip the file where a package is not installed, as pytest.importorskip does, but without importing it.

    Every process collects every file, and only one runs its tests: what takes seconds to import is for the tests.
    """
    if find_spec(package) is None:
        pytest.skip(reason, allow_module_level=True)
