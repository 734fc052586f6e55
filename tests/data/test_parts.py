"""Parts encoded apart and merged are, byte for byte, what one machine writes."""

import itertools
import json
import random
from pathlib import Path

import pytest

from nextword.cli.main import run
from nextword.data import open_corpus, read_corpus
from nextword.data.corpus import OpenedCorpus
from nextword.data.parts import PARTS, Part, beside, merged, parse_part, prepare_part
from nextword.data.preparing import described, prepare_shards
from nextword.errors import DataError, SettingError
from nextword.tokenizer import Tokenizer, load_tokenizer
from nextword.tokenizer.characters import character_vocabulary
from nextword.tokenizer.directory import make_tokenizer

SETTINGS = {"shard_size": 3000, "val": 1500}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few thousand characters be many blocks."""
    monkeypatch.setattr("nextword.data.token_stream.AT_ONCE", 700)
    monkeypatch.setattr("nextword.data.token_stream.MOST_PIECES", 5)
    monkeypatch.setattr("nextword.data.text_stream.AT_ONCE", 900, raising=False)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, OpenedCorpus]:
    """Records of all lengths with repetitions, several files, one line, and fewer documents than parts."""
    story, folder = read_corpus(("story",)).documents[0], tmp_path_factory.mktemp("texts")
    draw = random.Random(1)
    texts = [story[(at := draw.randrange(20_000)) : at + draw.choice((1, 9, 300, 4000))] for _ in range(60)]
    texts = [text for text in texts if text.strip()] + ["😀é\ud83d" * 5, "once", "once", "", "\n"]
    (folder / "texts.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    for number in range(3):
        (folder / f"{number}.txt").write_text(story[7000 * number : 7000 * (number + 1)])
    (folder / "line.txt").write_text(" ".join(story.split()))
    (folder / "two.txt").write_text(f"{story[:9000]}<|endoftext|>{story[:9000]}")
    named = {"records": ("texts.jsonl",), "files": ("0.txt", "1.txt", "2.txt"), "line": ("line.txt",)}
    named["two"] = ("two.txt",)
    return {name: open_corpus(tuple(folder / file for file in files)) for name, files in named.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def encode(corpus: OpenedCorpus, tokenizer: Tokenizer, folder: Path, count: int, only: int | None = None) -> int:
    """Encode all parts, last first, or only one of them. -> tokens."""
    wanted = described(corpus, tokenizer, "gpt2", **SETTINGS)
    numbers = range(count, 0, -1) if only is None else [only]
    return sum(prepare_part(corpus, tokenizer, folder, Part(number, count), wanted) for number in numbers)


@pytest.mark.parametrize("name", ["records", "files", "line", "two"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_merged_parts_are_what_one_machine_writes(corpora, name, count, tmp_path):
    corpus, tokenizer = corpora[name], Tokenizer()
    whole = prepare_shards(corpus, tokenizer, tmp_path / "whole", **SETTINGS)
    assert len(whole.shards) > 2
    assert encode(corpus, tokenizer, tmp_path / "s", count) == whole.tokens
    assert len(list((tmp_path / "s" / PARTS).iterdir())) == count
    assert prepare_shards(corpus, tokenizer, tmp_path / "s", **SETTINGS, merge=count) == whole
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


def test_parts_share_the_work(corpora, tmp_path):
    corpus, tokenizer = corpora["files"], Tokenizer()
    tokens = [encode(corpus, tokenizer, tmp_path / "s", 4, only=number) for number in (1, 2, 3, 4)]
    assert max(tokens) < 1.5 * sum(tokens) / 4


@pytest.mark.parametrize("make", [lambda corpus: load_tokenizer("bytes"), None], ids=["bytes", "chars"])
def test_with_another_tokenizer(corpora, make, tmp_path):
    corpus = corpora["files"]
    tokenizer = make(corpus) if make else make_tokenizer(character_vocabulary(corpus.documents()))
    prepare_shards(corpus, tokenizer, tmp_path / "whole", **SETTINGS)
    encode(corpus, tokenizer, tmp_path / "s", 3)
    prepare_shards(corpus, tokenizer, tmp_path / "s", **SETTINGS, merge=3)
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


class Killed(BaseException):
    """Stands for a signal."""


def test_a_killed_part_goes_on_and_is_not_taken_for_a_whole_one(corpora, tmp_path, monkeypatch):
    corpus, tokenizer, part = corpora["records"], Tokenizer(), Part(2, 3)
    wanted = described(corpus, tokenizer, "gpt2", **SETTINGS)
    encode(corpus, tokenizer, tmp_path / "whole", 3, only=2)
    n_encoded = []
    encode_array = Tokenizer.encode_array
    monkeypatch.setattr(Tokenizer, "encode_array", lambda self, text: n_encoded.append(1) or encode_array(self, text))
    prepare_part(corpus, tokenizer, tmp_path / "all", part, wanted)
    all_encoded = len(n_encoded)
    path = part.path(tmp_path / "s")
    for cut in (0, 1, 7):  # bytes that the system had not written yet
        steps = itertools.count()

        def kill(tokens: int, n_bytes: int, steps: "itertools.count[int]" = steps) -> None:
            if next(steps) == 0:
                raise Killed

        with pytest.raises(Killed):
            prepare_part(corpus, tokenizer, tmp_path / "s", part, wanted, progress=kill)
        assert not path.exists()
        with pytest.raises(DataError, match="lacks part 1/3, 2/3, 3/3"):
            next(merged(tmp_path / "s", 3, wanted))
        left = beside(path).read_bytes()
        beside(path).write_bytes(left[: len(left) - cut])
    n_encoded.clear()
    prepare_part(corpus, tokenizer, tmp_path / "s", part, wanted)
    assert path.read_bytes() == part.path(tmp_path / "whole").read_bytes()
    assert len(n_encoded) < all_encoded


def test_a_killed_merge_goes_on(corpora, tmp_path):
    corpus, tokenizer = corpora["records"], Tokenizer()
    prepare_shards(corpus, tokenizer, tmp_path / "whole", **SETTINGS)
    encode(corpus, tokenizer, tmp_path / "s", 2)

    def kill(so_far: object) -> None:
        if so_far.shards == 3:  # type: ignore[attr-defined]
            raise Killed

    with pytest.raises(Killed):
        prepare_shards(corpus, tokenizer, tmp_path / "s", **SETTINGS, merge=2, progress=kill)
    assert (tmp_path / "s" / PARTS).exists()
    prepare_shards(corpus, tokenizer, tmp_path / "s", **SETTINGS, merge=2)
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


def test_parts_that_do_not_belong_together_are_refused(corpora, tmp_path):
    corpus, tokenizer = corpora["files"], Tokenizer()
    wanted = described(corpus, tokenizer, "gpt2", **SETTINGS)
    encode(corpus, tokenizer, tmp_path / "s", 3, only=1)
    encode(corpus, tokenizer, tmp_path / "s", 3, only=3)
    with pytest.raises(DataError, match=r"lacks part 2/3\. Encode what is missing"):
        list(merged(tmp_path / "s", 3, wanted))
    other = corpora["line"]
    prepare_part(other, tokenizer, tmp_path / "s", Part(2, 3), described(other, tokenizer, "gpt2", **SETTINGS))
    with pytest.raises(DataError, match=r"2-of-3.blocks: was made otherwise \(the text differs\)"):
        list(merged(tmp_path / "s", 3, wanted))
    with pytest.raises(DataError, match="was made otherwise"):
        prepare_part(corpus, tokenizer, tmp_path / "s", Part(2, 3), wanted)
    prepare_part(corpus, tokenizer, tmp_path / "s", Part(2, 3), wanted, overwrite=True)
    path = Part(2, 3).path(tmp_path / "s")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"2-of-3.blocks: is damaged"):
        list(merged(tmp_path / "s", 3, wanted))


@pytest.mark.parametrize("text", ["0/4", "5/4", "x", "3", "1/0", "-1/4", "1/4/2"])
def test_a_part_is_one_of_so_many(text):
    with pytest.raises(SettingError, match="write 1/8, 2/8"):
        parse_part(text)
    assert parse_part("3/8") == Part(3, 8)


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["data", "prepare", "story", "--out", "tokens"]
    for number in (1, 2):
        assert run([*command, "--part", f"{number}/2"]) == 0
    assert "with --merge 2 instead of --part makes shards of them." in capsys.readouterr().out
    assert run([*command, "--merge", "2", "--part", "1/2"]) == 2
    assert "--merge comes after all parts are encoded: leave out --part then." in capsys.readouterr().err
    assert run([*command, "--merge", "3"]) == 2
    assert "lacks part 1/3, 2/3, 3/3. Encode what is missing, each by --part." in capsys.readouterr().err
    assert run([*command, "--merge", "2"]) == 0
    assert run(["data", "prepare", "story", "--out", "whole"]) == 0
    assert contents(tmp_path / "tokens") == contents(tmp_path / "whole")
