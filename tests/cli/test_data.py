import struct
from pathlib import Path

from cli.conftest import Cli

from nextword.tokenizer import Tokenizer


def test_prepare_and_show(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("The ferry left.<|endoftext|>Agnes stayed.")
    status, out, err = cli("data", "prepare", tmp_path / "two.txt", "--out", tmp_path / "s")
    assert status == 0, err
    assert "1 shard, tokenizer gpt2." in out
    assert "The text: 2 documents; 10 tokens of 2.80 bytes each." in out
    status, out, err = cli("data", "show", tmp_path / "s", "--document", 2)
    assert status == 0, err
    assert "two_train_000000.bin 10 tokens, uint16, 2 documents begin" in " ".join(out.split())
    assert out.endswith("Agnes stayed.\n")
    assert cli("data", "prepare", tmp_path / "two.txt", "--out", tmp_path / "s")[0] == 0
    assert "has 2 documents, and so no document 3." in cli("data", "show", tmp_path / "s", "--document", 3)[2]


def test_shards_of_llm_c_are_shown(cli: Cli, tmp_path: Path) -> None:
    ids = [50256, *Tokenizer().encode("Every effort moves you")]
    content = struct.pack("<256i", 20240520, 1, len(ids), *[0] * 253) + struct.pack(f"<{len(ids)}H", *ids)
    (tmp_path / "fineweb_train_000001.bin").write_bytes(content)
    status, out, _ = cli("data", "show", tmp_path)
    assert status == 0
    assert "token shards of another program" in out
    assert out.endswith("Every effort moves you\n")


def test_mistakes_are_named(cli: Cli, tmp_path: Path) -> None:
    assert cli("data", "prepair")[2] == "nextword: data has no command 'prepair'. Did you mean prepare?\n"
    assert cli("data")[0] == 0
    assert "no token shards. Expected a folder" in cli("data", "show", tmp_path)[2]
    refused = cli("data", "prepare", "story", "--out", tmp_path / "s", "--shard-size", 3)
    assert (refused[0], "--shard-size must be from 1024" in refused[2]) == (2, True)
    weights = cli("data", "prepare", "story:0.5", "shakespeare.txt:0.5", "--out", tmp_path / "s")
    assert weights[0] == 2
