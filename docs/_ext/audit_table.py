"""{audit}: what the checker says of every planted mistake, in tables.

The audit's trials are made anew when something changed that they depend on.
"""

import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from exercises import mistake_id
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from nextword.learn.checker.audit import audit
from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.track import TRACK

LOGGER = logging.getLogger(__name__)
PROJECT = Path(__file__).parent.parent.parent
KEPT = PROJECT / "build/audit.json"


@cache
def tables() -> dict[str, list[dict[str, Any]]]:
    """Each exercise's name -> its trials, as dictionaries: exercise, answer, mistake, expected, found, right.

    What nothing has changed of since is kept; the rest is tried now, by as many processes as there are processors.
    """
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    checker = digest_of_the_checker()
    keys = {exercise.name: digest(exercise.name, checker) for exercise in TRACK}
    missing = [name for name in keys if kept.get(name, {}).get("key") != keys[name]]
    if missing:
        n = os.cpu_count() or 1
        command = [sys.executable, __file__]
        alone = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        shares = [missing[i::n] for i in range(min(n, len(missing)))]
        started = [subprocess.Popen([*command, *share], stdout=subprocess.PIPE, env=alone) for share in shares]
        for share, process in zip(shares, started, strict=True):
            found = json.loads(process.communicate()[0])
            kept |= {name: {"key": keys[name], "trials": found[name]} for name in share}
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(kept), encoding="utf-8")
    return {name: kept[name]["trials"] for name in keys}


def trials_of(name: str) -> list[dict[str, Any]]:
    """Plant and check all of one exercise's mistakes."""
    with warnings.catch_warnings(), redirect_stdout(None):  # wrong answers are warned of, and some print
        warnings.simplefilter("ignore")
        return [asdict(trial) | {"right": trial.right} for trial in audit(TRACK[name])]


def digest_of_the_checker() -> str:
    """The SHA-256 of all the package's code that is imported once all exercises are: what any trial may depend on."""
    list(TRACK)
    files = {module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "nextword"}
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in sorted(filter(None, files)))).hexdigest()


def digest(name: str, checker: str) -> str:
    """The SHA-256 of what an exercise's trials depend on: the checker, and all that stands in its folder."""
    folder = PROJECT / "src/nextword/learn/exercises" / name
    files = sorted([*folder.rglob("*.py"), *folder.glob("*.toml")])
    return hashlib.sha256(b"".join([checker.encode(), *(file.read_bytes() for file in files)])).hexdigest()


class Audit(SphinxDirective):
    """{audit}: for each exercise a table of its mistakes by the styles they were planted in."""

    def run(self) -> list[nodes.Node]:
        """How many there are, then the tables."""
        trials = [trial for name in TRACK.names for trial in tables()[name]]
        for trial in trials:
            if not trial["right"]:
                LOGGER.warning("audit: %s", trial, location=self.env.docname)
        planted = [trial for trial in trials if trial["mistake"]]
        n_mistakes = len({(trial["exercise"], trial["mistake"]) for trial in planted})
        n_named = sum(trial["right"] for trial in planted)
        right = [trial for trial in trials if trial["expected"] == "passed"]
        n_passed = sum(trial["right"] for trial in right)
        summary = (
            f"When this page was made, {n_mistakes:,} mistakes had been planted in {len(planted):,} answers. "
            f"{n_named:,} of these were diagnosed as what they are. {n_passed} of {len(right)} right answers passed."
        )
        tabled = [node for exercise in TRACK for node in audit_of(exercise, tables()[exercise.name])]
        return [nodes.paragraph("", "", nodes.strong(text=summary)), *tabled]


def audit_of(exercise: Exercise, trials: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """One exercise's heading and table."""
    answers = list(dict.fromkeys(trial["answer"] for trial in trials if trial["answer"] not in ("stub", "solution")))
    found = {(trial["mistake"], trial["answer"]): trial for trial in trials}
    section = nodes.section(ids=[nodes.make_id(f"audit-{exercise.name}")])
    section += nodes.title(text=f"{TRACK.number(exercise.name)}. {exercise.title}")
    rows = [row(nodes.emphasis(text="none"), *(cell(found.get((None, answer))) for answer in answers))]
    for mistake in exercise.mistakes:
        page = f"{exercise.name}.html#{mistake_id(exercise.name, mistake.name)}"
        name = nodes.reference("", mistake.name, refuri=page, internal=True)
        rows.append(row(name, *(cell(found.get((mistake.name, answer))) for answer in answers)))
    head = row(nodes.Text("planted mistake"), *(nodes.Text(answer.replace("_", " ")) for answer in answers))
    group = nodes.tgroup(cols=len(answers) + 1)
    group += [nodes.colspec(colwidth=1) for _ in range(len(answers) + 1)]
    group += [nodes.thead("", head), nodes.tbody("", *rows)]
    section += nodes.table("", group, classes=["audit"])
    yield section


def cell(trial: dict[str, Any] | None) -> nodes.Text:
    """What a cell says: ✓ where the checker found what was planted."""
    return nodes.Text("" if trial is None else "✓" if trial["right"] else trial["found"])


def row(*cells: nodes.Node) -> nodes.row:
    """A table's row."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", inside)) for inside in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it."""
    app.add_directive("audit", Audit)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    print(json.dumps({name: trials_of(name) for name in sys.argv[1:]}))
