"""The text that the small model read comes from dice alone, so that anyone can have it again; and training goes."""

import hashlib
import json
import random
from pathlib import Path

import torch

from docs.heads import Stories, batches, known_ids, train
from nextword.tokenizer import Tokenizer
from nextword.weights.bundled import DIRECTORY, open_bundled


def test_the_same_dice_tell_the_same_stories() -> None:
    tokenizer = Tokenizer()
    stories = Stories(random.Random(1), tokenizer)
    text = "".join(stories.story() for _ in range(50))
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "8ea3aa9ecfd8aa79b6ea8eb7089aa355cfb2966faa06a436189bc1a11b8abd5c"
    )
    known = set(known_ids(tokenizer))
    ids = tokenizer.encode(text)  # names of joined pieces are now and then cut elsewhere
    assert sum(id in known for id in ids) > 0.95 * len(ids)
    recorded = json.loads((DIRECTORY / "run.json").read_text())
    assert recorded["data"]["name"] == "heads"


def test_only_what_came_before_is_asked_of_rows_of_tokens() -> None:
    windows, asked = next(batches(Tokenizer(), {id: id for id in range(1500)}, 1))
    for window, wanted in zip(windows[1::2].tolist(), asked[1::2].tolist(), strict=True):
        for place in (place for place, is_asked in enumerate(wanted, 1) if is_asked):
            earlier = [n for n in range(place - 1) if window[n] == window[place - 1]]
            assert window[earlier[-1] + 1] == window[place]


def test_a_short_training_leaves_a_model_that_opens(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    train(tmp_path / "run", steps=1)
    torch.set_num_threads(before)
    stored = open_bundled(tmp_path / "run")
    assert stored.tensors["wte.weight"].read().shape == (50257, stored.config.n_embd)
