"""Counts and times of a server, in Prometheus' text format (version 0.0.4)."""

import threading
from bisect import bisect_left
from collections import Counter

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Histogram:
    """A histogram of durations."""

    def __init__(self) -> None:
        self._counts = [0] * (len(SECONDS) + 1)
        self._total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one time."""
        self._counts[bisect_left(SECONDS, seconds)] += 1
        self._total += seconds

    def lines(self, name: str) -> list[str]:
        """Its numbers: how many took no longer than each bound."""
        lines, count = [], 0
        for bound, n in zip((*map(str, SECONDS), "+Inf"), self._counts, strict=True):
            count += n
            lines.append(f'{name}_bucket{{le="{bound}"}} {count}')
        return [*lines, f"{name}_sum {self._total:.6f}", f"{name}_count {count}"]


class Metrics:
    """Count what a server has done. The scheduler's thread and the web's both write here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = Counter[tuple[str, int]]()
        self._prompt_tokens = 0
        self._written_tokens = 0
        self._first_token, self._next_token, self._request = Histogram(), Histogram(), Histogram()

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered. path: the route's, not what was asked for, of which there is no end."""
        with self._lock:
            self._requests[path, status] += 1
            self._request.observe(seconds)

    def read(self, tokens: int) -> None:
        """Count a prompt's tokens."""
        with self._lock:
            self._prompt_tokens += tokens

    def wrote(self, seconds: float, is_first: bool) -> None:
        """Count a token that was written, and the time since the request or the token before."""
        with self._lock:
            self._written_tokens += 1
            (self._first_token if is_first else self._next_token).observe(seconds)

    def render(self, running: int, waiting: int, rows: int) -> str:
        """Render all metrics in Prometheus's format."""
        with self._lock:
            text = [
                *head("requests_total", "counter", "Requests answered, by route and status."),
                *(
                    f'nextword_requests_total{{path="{path}",status="{status}"}} {count}'
                    for (path, status), count in sorted(self._requests.items())
                ),
                *head("prompt_tokens_total", "counter", "Tokens of prompts."),
                f"nextword_prompt_tokens_total {self._prompt_tokens}",
                *head("written_tokens_total", "counter", "Tokens written."),
                f"nextword_written_tokens_total {self._written_tokens}",
                *head("rows", "gauge", "Texts that can be written side by side."),
                f"nextword_rows {rows}",
                *head("running", "gauge", "Texts being written."),
                f"nextword_running {running}",
                *head("waiting", "gauge", "Texts waiting for a row."),
                f"nextword_waiting {waiting}",
                *head("first_token_seconds", "histogram", "From a request to its first token."),
                *self._first_token.lines("nextword_first_token_seconds"),
                *head("next_token_seconds", "histogram", "From a token of a text to the next."),
                *self._next_token.lines("nextword_next_token_seconds"),
                *head("request_seconds", "histogram", "From a request to the end of its answer."),
                *self._request.lines("nextword_request_seconds"),
            ]
        return "\n".join(text) + "\n"


def head(name: str, kind: str, meaning: str) -> list[str]:
    """Write the two lines before a metric's numbers."""
    return [f"# HELP nextword_{name} {meaning}", f"# TYPE nextword_{name} {kind}"]
