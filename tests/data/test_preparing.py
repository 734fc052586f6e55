import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextword.data import Reading, open_corpus, read_corpus
from nextword.data.manifest import MANIFEST, load_manifest
from nextword.data.preparing import PreparedSoFar, prepare_shards
from nextword.data.shard_folder import find_shards
from nextword.data.shards import TokenFiles, open_shard
from nextword.data.statistics import count_duplicates
from nextword.errors import DataError, SettingError
from nextword.tokenizer import Tokenizer, load_tokenizer
from nextword.tokenizer.characters import character_vocabulary
from nextword.tokenizer.directory import make_tokenizer

MARK = 50256


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write documents of very different lengths, some of them twice."""
    story, folder = read_corpus(("story",)).documents[0], tmp_path_factory.mktemp("texts")
    draw = random.Random(1)
    documents = [story[(at := draw.randrange(20_000)) : at + draw.choice((1, 9, 300, 4000))] for _ in range(60)]
    documents = [document for document in documents if document.strip()] + ["😀é\ud83d" * 5, "once", "once"]
    path = folder / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": document}) for document in documents))
    return path


def expected(texts: Path) -> list[int]:
    """Encode the documents one by one, each with the mark before it, as llm.c does."""
    tokenizer = Tokenizer()
    documents = read_corpus((str(texts),)).documents
    return [id for document in documents for id in (MARK, *tokenizer.encode(document))]


def stored(folder: Path) -> list[int]:
    manifest = load_manifest(folder)
    assert manifest is not None
    return TokenFiles([open_shard(folder / entry.file) for entry in manifest.shards], 100_000)[:].tolist()


def test_shards_hold_all_documents_with_a_mark_before_each(texts: Path, tmp_path: Path) -> None:
    manifest = prepare_shards(open_corpus((texts,)), Tokenizer(), tmp_path / "s", shard_size=3000, val=1500)
    ids = expected(texts)
    assert stored(tmp_path / "s") == ids
    assert [shard.tokens for shard in manifest.shards][:3] == [1500, 3000, 3000]
    assert [shard.file for shard in manifest.shards][:2] == ["texts_val_000000.bin", "texts_train_000001.bin"]
    documents = read_corpus((texts,)).documents
    assert manifest.documents == sum(shard.documents for shard in manifest.shards) == len(documents)
    assert (manifest.tokens, manifest.vocabulary_used) == (len(ids), len(set(ids)))
    assert manifest.duplicates == count_duplicates(documents) == len(documents) - len(set(documents)) > 0
    assert manifest.bytes == sum(len(document.encode("utf-8", "surrogatepass")) for document in documents)
    assert load_manifest(tmp_path / "s") == manifest
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == sorted(
        [MANIFEST, *(shard.file for shard in manifest.shards)]
    )


class Killed(BaseException):
    """Stands for a signal."""


def test_what_a_kill_leaves_is_gone_on_with(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.data.token_stream.MOST_PIECES", 3)  # many small batches
    corpus, tokenizer = open_corpus((texts,)), Tokenizer()
    whole = prepare_shards(corpus, tokenizer, tmp_path / "whole", shard_size=1024)
    n_kills, n_encoded = 0, []
    encode_array = Tokenizer.encode_array
    monkeypatch.setattr(Tokenizer, "encode_array", lambda self, text: n_encoded.append(1) or encode_array(self, text))
    for kill_at in itertools.count(1):
        before = load_manifest(tmp_path / "s")
        steps = itertools.count(1)

        def kill(so_far: PreparedSoFar, last: int = kill_at % 4 + 2, steps: Iterator[int] = steps) -> None:
            if next(steps) >= last and so_far.shards > (len(before.shards) if before else 0):
                raise Killed

        try:
            prepare_shards(corpus, tokenizer, tmp_path / "s", shard_size=1024, progress=kill)
            break
        except Killed:
            n_kills += 1
            (tmp_path / "s" / f"texts_train_{99:06d}.bin.tmp").write_bytes(b"left by a kill")
    assert n_kills > 3
    assert load_manifest(tmp_path / "s") == whole
    assert stored(tmp_path / "s") == expected(texts)
    n_encoded.clear()
    assert prepare_shards(corpus, tokenizer, tmp_path / "s", shard_size=1024) == whole  # nothing left to do
    assert not n_encoded


def test_a_kill_before_the_first_shard_loses_nothing(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, tokenizer = open_corpus((texts,)), load_tokenizer("bytes")

    def kill(*arguments: object, **settings: object) -> None:
        (tmp_path / "s" / "tokenizer.json").write_text("half")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("nextword.data.preparing.save_tokenizer", kill)
        with pytest.raises(Killed):
            prepare_shards(corpus, tokenizer, tmp_path / "s")
    manifest = prepare_shards(corpus, tokenizer, tmp_path / "s")
    assert manifest.complete
    assert (tmp_path / "s" / "tokenizer.json").read_text() != "half"


def test_another_text_tokenizer_or_size_is_refused(texts: Path, tmp_path: Path) -> None:
    corpus = open_corpus((texts,))
    prepare_shards(corpus, Tokenizer(), tmp_path / "s")
    with pytest.raises(DataError, match="the size of shards differs"):
        prepare_shards(corpus, Tokenizer(), tmp_path / "s", shard_size=2000)
    with pytest.raises(DataError, match=r"was begun otherwise \(the tokenizer differs\)"):
        prepare_shards(corpus, load_tokenizer("bytes"), tmp_path / "s")
    with pytest.raises(DataError, match="the text, how it is read differs"):
        prepare_shards(open_corpus(("story",), Reading(separator="")), Tokenizer(), tmp_path / "s")
    anew = prepare_shards(open_corpus(("story",)), Tokenizer(), tmp_path / "s", overwrite=True)
    assert [path.name for path in tmp_path.glob("s/*.bin")] == ["story_train_000000.bin"]
    assert anew.name == "story"


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Agnes")
    with pytest.raises(DataError, match=r"holds letter\.txt and no manifest\.json"):
        prepare_shards(open_corpus(("story",)), Tokenizer(), tmp_path)
    with pytest.raises(SettingError, match="shard_size must be from 1024"):
        prepare_shards(open_corpus(("story",)), Tokenizer(), tmp_path / "s", shard_size=5)
    with pytest.raises(DataError, match="all of them are to validate on"):
        prepare_shards(open_corpus(("story",)), Tokenizer(), tmp_path / "s", val=10_000)


def test_changed_shards_are_refused_when_they_are_opened(texts: Path, tmp_path: Path) -> None:
    manifest = prepare_shards(open_corpus((texts,)), Tokenizer(), tmp_path, shard_size=3000)
    found = find_shards(tmp_path)
    assert found is not None
    assert found.manifest == manifest
    path = tmp_path / manifest.shards[1].file
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path.name}: is not the file that manifest\.json names"):
        find_shards(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=f"{path.name}: cannot be read"):
        find_shards(tmp_path)
    replace(manifest, complete=False).save(tmp_path)
    with pytest.raises(DataError, match="was not prepared to its end"):
        find_shards(tmp_path)


def test_long_documents_come_in_pieces_with_the_ids_of_the_whole(tmp_path: Path) -> None:
    line = "The ferry left at seven, and nobody saw it. " * 60_000  # one line of 2.6 million characters
    (tmp_path / "line.txt").write_text(line)
    manifest = prepare_shards(open_corpus((tmp_path / "line.txt",)), Tokenizer(), tmp_path / "s")
    ids = find_shards(tmp_path / "s").train[0].read(0, manifest.tokens)  # type: ignore[union-attr]
    assert np.array_equal(ids, [MARK, *Tokenizer().encode(line)])
    assert (manifest.documents, manifest.duplicates, manifest.bytes) == (1, 0, len(line))


@pytest.mark.parametrize("name", ["chars", "bytes"])
def test_other_tokenizers_go_with_their_shards(tmp_path: Path, name: str) -> None:
    corpus = open_corpus(("story",))
    tokenizer = make_tokenizer(character_vocabulary(corpus.documents())) if name == "chars" else load_tokenizer("bytes")
    prepare_shards(corpus, tokenizer, tmp_path, name)
    found = find_shards(tmp_path)
    assert found is not None
    vocabulary = found.vocabulary()
    assert vocabulary is not None
    assert vocabulary.tokens == tokenizer.vocabulary.tokens
    ids = found.train[0].read(0, found.train[0].n_tokens)
    assert make_tokenizer(vocabulary).decode(ids[int(name == "bytes") :]) == next(corpus.documents())
