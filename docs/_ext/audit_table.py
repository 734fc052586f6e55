"""The audit's trials, made anew when something changed that they depend on."""

import hashlib
import json
import warnings
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from nextword.learn.audit import audit
from nextword.learn.track import TRACK

PROJECT = Path(__file__).parent.parent.parent
KEPT = PROJECT / "build/audit.json"


@cache
def tables() -> dict[str, list[dict[str, Any]]]:
    """Each exercise's name -> its trials, as dictionaries: exercise, answer, mistake, expected, found, right."""
    digest = hashlib.sha256()
    for file in sorted((PROJECT / "src/nextword").rglob("*.py")):
        digest.update(file.read_bytes())
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    if kept.get("source") != digest.hexdigest():
        with warnings.catch_warnings(), redirect_stdout(None):  # wrong answers are warned of, and some print
            warnings.simplefilter("ignore")
            trials = {
                exercise.name: [asdict(trial) | {"right": trial.right} for trial in audit(exercise)]
                for exercise in TRACK
            }
        kept = {"source": digest.hexdigest(), "trials": trials}
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept), encoding="utf-8")
    return dict(kept["trials"])
