"""A task goes on after a kill, and parts make the whole."""

import json

import pytest
import torch

from nextword.data.parts import Part
from nextword.errors import DataError
from nextword.evaluate import running
from nextword.evaluate.outcome_file import put_together, read_outcomes
from nextword.evaluate.running import outcomes_of
from nextword.evaluate.text import TextTask
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

TEXT = " ".join(f"{n} and {n + 1} make {2 * n + 1}." for n in range(60))


@pytest.fixture(scope="module")
def small() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=16, n_embd=12, n_head=3, n_layer=2)).eval()


@pytest.fixture
def task() -> TextTask:
    return TextTask([TEXT], Tokenizer(), 16)


@pytest.fixture(autouse=True)
def _little_by_little(monkeypatch):
    monkeypatch.setattr(running, "TOGETHER", 40)


def test_a_run_that_was_killed_goes_on_without_a_line_lost_or_doubled(small, task, tmp_path):
    whole = outcomes_of(small, task)

    class Killed(Exception):
        pass

    def kill(done: int, of: int) -> None:
        if done > of // 2:
            raise Killed

    out = tmp_path / "out.jsonl"
    with pytest.raises(Killed):
        outcomes_of(small, task, "m", out=out, tell=kill)
    with out.open("a") as file:
        file.write('{"item": 3, "nll": 1')  # which a kill cut off
    lines = len(out.read_text().splitlines())
    assert 2 < lines < task.n_items
    told = []
    found = outcomes_of(small, task, "m", out=out, tell=lambda done, of: told.append(done))
    assert found.keys() == whole.keys()
    assert all(found[item] == pytest.approx(row, abs=1e-4) for item, row in whole.items())
    assert told[0] == lines - 2  # what was there is not computed again
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["item"] for row in rows[1:]) == list(range(task.n_items))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_are_disjoint_and_together_the_whole(small, task, tmp_path, count):
    files = []
    for number in range(1, count + 1):
        files.append(tmp_path / f"{number}.jsonl")
        outcomes_of(small, task, "m", part=Part(number, count), out=files[-1])
    found = put_together([read_outcomes(file) for file in files])
    assert sorted(found) == list(range(task.n_items))
    whole = outcomes_of(small, task)
    assert {item: row["nll"] for item, row in found.items()} == pytest.approx(
        {item: row["nll"] for item, row in whole.items()}, abs=1e-4
    )
    if count > 1:
        with pytest.raises(DataError, match=r"items have no outcome in 1\.jsonl, the first is item 1"):
            put_together([read_outcomes(files[0])])


def test_a_file_of_something_else_is_refused(small, task, tmp_path):
    out = tmp_path / "out.jsonl"
    outcomes_of(small, task, "m", out=out)
    with pytest.raises(DataError, match="has outcomes of another model: m, and this is other"):
        outcomes_of(small, task, "other", out=out)
    with pytest.raises(DataError, match="another dtype: float32"):
        outcomes_of(small, task, "m", torch.bfloat16, out=out)
    changed = TextTask([f"{TEXT} More."], Tokenizer(), 16)
    with pytest.raises(DataError, match="another sha256"):
        outcomes_of(small, changed, "m", out=out)
    other = tmp_path / "notes.txt"
    for said in ("To do:\n- nothing\n", "To do"):
        other.write_text(said)
        with pytest.raises(DataError, match=r"notes\.txt holds no outcomes of an evaluation"):
            outcomes_of(small, task, "m", out=other)
        assert other.read_text() == said


def test_a_limit_takes_the_first_items(small, task):
    assert list(outcomes_of(small, task, limit=3)) == [0, 1, 2]
