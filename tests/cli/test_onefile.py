from pathlib import Path

from cli.conftest import Cli

from nextword.onefile import onefile
from nextword.tokenizer.vocab import read_vocab_bpe


def test_it_is_printed_alone(cli: Cli) -> None:
    status, out, err = cli("onefile")
    assert (status, out) == (0, onefile())
    assert "it needs vocab.bpe beside it: nextword onefile --out gpt2.py" in err


def test_it_is_written_with_the_vocabulary_beside_it(cli: Cli, tmp_path: Path) -> None:
    status, out, _ = cli("onefile", "--out", tmp_path / "gpt2.py")
    assert status == 0
    assert f"Wrote {tmp_path / 'gpt2.py'}" in out
    assert (tmp_path / "gpt2.py").read_text(encoding="utf-8") == onefile()
    assert (tmp_path / "vocab.bpe").read_bytes() == read_vocab_bpe()
    status, _, err = cli("onefile", "--out", tmp_path / "gpt2.py")
    assert status == 2
    assert "is there already: choose another name" in err
