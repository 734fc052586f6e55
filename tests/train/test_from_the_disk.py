"""Training on token shards, and on a text that is too long for memory."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nextword.data import open_corpus, read_corpus
from nextword.data.manifest import MANIFEST
from nextword.data.preparing import prepare_shards
from nextword.data.shards import TokenFiles
from nextword.errors import DataError, RunError, TokenizerError
from nextword.tokenizer import Tokenizer, load_tokenizer
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Started
from nextword.train.setup import prepare

STORY = read_corpus(("story",)).documents[0]


@pytest.fixture
def tiny(tmp_path: Path) -> TrainConfig:
    texts = STORY[:3000], STORY[3000:4000], "One line.", "One line."
    (tmp_path / "ferry.txt").write_text("<|endoftext|>".join(texts))
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "n_ctx": 32}
    return TrainConfig(
        data=(str(tmp_path / "ferry.txt"),), out=str(tmp_path / "run"), window=16, steps=4, device="cpu", **shape
    )


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.train.setup.IN_MEMORY", 1000)


def test_a_text_too_long_for_memory_is_the_same_text(tiny: TrainConfig, no_memory: None, tmp_path: Path) -> None:
    held = prepare(tiny, read_corpus(tiny.data))
    told: list[str] = []
    on_disk = prepare(tiny, tell=told.append)
    assert told[0].startswith("ferry is too long for memory: encoding it into ")
    assert isinstance(on_disk.windows.ids, TokenFiles)  # type: ignore[union-attr]
    assert torch.equal(on_disk.windows.ids[:], held.windows.ids[:])  # type: ignore[union-attr]
    assert torch.equal(on_disk.val_ids, held.val_ids)
    assert (on_disk.plan, on_disk.prompt, on_disk.corpus.sha256) == (held.plan, held.prompt, held.corpus.sha256)
    data = [setup.describe()["data"] for setup in (held, on_disk)]
    assert data[1] == data[0] | {"on_disk": True}
    assert (
        on_disk.corpus.account[-1]
        == f"Its tokens are in {tmp_path / 'run.tokens'}, which may be deleted after the run."
    )
    prepare(tiny, tell=told.append)
    assert len(told) == 1  # its tokens are there by now
    (tmp_path / "ferry.txt").write_text(STORY[:5000])
    assert prepare(tiny, tell=told.append).windows.n_tokens > 1000  # another text: encoded anew
    assert len(told) == 2


def test_statistics_are_the_same_from_the_disk_but_for_the_first_mark(tiny: TrainConfig, no_memory: None) -> None:
    held, on_disk = prepare(tiny, read_corpus(tiny.data)).statistics, prepare(tiny).statistics
    assert held is not None
    assert on_disk == replace(held, tokens=held.tokens + 1)
    assert (held.documents, held.duplicates) == (4, 1)
    assert held.sentences()[0].startswith("The text: 4 documents, 1 of them a repetition; ")


def test_a_run_on_shards_stops_and_goes_on_as_if_never_stopped(tiny: TrainConfig, tmp_path: Path) -> None:
    prepare_shards(open_corpus(tiny.data), Tokenizer(), tmp_path / "shards", val=100)
    tiny = replace(tiny, data=(str(tmp_path / "shards"),))
    whole = [*Trainer(replace(tiny, out=str(tmp_path / "whole"))).run()]
    started = next(event for event in whole if isinstance(event, Started))
    assert started.n_val_tokens == 100
    assert started.account == ("Read 1,059 tokens in 2 shards by nextword, from the disk as they are needed.",)
    assert started.statistics[0].startswith("The text: 4 documents, 1 of them")
    trainer = Trainer(tiny)
    for _ in trainer.run():
        if trainer.step == 2:
            trainer.stop()
    for _ in Trainer(tiny, resume=True).run():
        pass
    ends = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole")]
    assert ends[0] == ends[1]
    said = json.loads((tmp_path / "shards" / MANIFEST).read_text())
    (tmp_path / "shards" / MANIFEST).write_text(json.dumps(said))
    with pytest.raises(RunError, match="the text of shards has changed"):
        Trainer(tiny, resume=True)


def test_a_run_goes_on_from_where_its_text_was_at_first(tiny: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, other in ((1000, 10**9), (10**9, 1000)):
        run = replace(tiny, tokenizer="bytes", out=f"{tiny.out}-{limit}")
        monkeypatch.setattr("nextword.train.setup.IN_MEMORY", limit)
        trainer = Trainer(run)
        for _ in trainer.run():
            trainer.stop()
        monkeypatch.setattr("nextword.train.setup.IN_MEMORY", other)
        resumed = Trainer(run, resume=True)
        assert isinstance(resumed.setup.windows.ids, TokenFiles) == (limit == 1000)  # type: ignore[union-attr]
        for _ in resumed.run():
            pass
        assert resumed.step == 4


def test_shards_of_llm_c_are_trained_on(tiny: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "fineweb"
    folder.mkdir()
    ids = [50256, *Tokenizer().encode(STORY)]
    for name, part in (("val_000000", ids[:99]), ("train_000001", ids[99:900]), ("train_000002", ids[900:1500])):
        content = struct.pack("<256i", 20240520, 1, len(part), *[0] * 253) + struct.pack(f"<{len(part)}H", *part)
        (folder / f"fineweb_{name}.bin").write_bytes(content)
    setup = prepare(replace(tiny, data=(str(folder),)))
    assert setup.val_ids.tolist() == ids[:99]
    assert setup.windows.ids[:].tolist() == ids[99:1500]  # type: ignore[union-attr]
    x, y = setup.windows[50]  # type: ignore[index]  # across the border of two files
    assert x.tolist() == ids[99 + 800 : 99 + 816]
    assert y.tolist() == ids[99 + 801 : 99 + 817]
    assert setup.statistics is None
    assert setup.describe()["data"]["documents"] is None
    with (folder / "fineweb_train_000002.bin").open("r+b") as file:
        file.truncate(1500)
    with pytest.raises(DataError, match=r"fineweb_train_000002\.bin: is cut short"):
        prepare(replace(tiny, data=(str(folder),)))
    with pytest.raises(DataError, match=r"fineweb_train_000002\.bin: has changed"):
        setup.windows[60]  # type: ignore[index]


def test_shards_bring_their_tokenizer(tiny: TrainConfig, tmp_path: Path) -> None:
    prepare_shards(open_corpus(tiny.data), load_tokenizer("bytes"), tmp_path / "shards", "bytes")
    tiny = replace(tiny, data=(str(tmp_path / "shards"),))
    assert prepare(tiny).model.config.n_vocab == 257
    assert prepare(replace(tiny, tokenizer="bytes")).model.config.n_vocab == 257
    with pytest.raises(TokenizerError, match="was prepared with the tokenizer 'bytes' of 257 ids"):
        prepare(replace(tiny, tokenizer="gpt2"))
    with pytest.raises(DataError, match="token shards are trained on alone"):
        prepare(replace(tiny, data=(*tiny.data, "story")))
