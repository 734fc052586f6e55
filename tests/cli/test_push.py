"""`nextword push`: a card of what a run is, and what goes to the hub."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from cli.conftest import Cli


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from nextword.train import TrainConfig, Trainer

    folder = tmp_path_factory.mktemp("secret-place")
    (folder / "tales.txt").write_text(" ".join(f"{n} goats met {n + 1} trolls." for n in range(300)))
    config = TrainConfig(
        data=(str(folder / "tales.txt"),), out=str(folder / "run"), tokenizer="bytes", n_layer=1, n_embd=16, n_head=2,
        n_ctx=32, window=16, batch_size=4, steps=4, eval_every=2, seed=3, device="cpu",
    )  # fmt: skip
    assert list(Trainer(config).run())
    return folder / "run"


def front_matter(card: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(card.split("---\n")[1])
    return found


def test_a_dry_run_shows_the_card_and_the_files(cli: Cli, trained: Path) -> None:
    status, out, _ = cli("push", trained, "me/goats", "--license", "mit", "--dry-run")
    assert status == 0
    assert front_matter(out) == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["gpt2", "nextword"],
        "license": "mit",
    }
    log = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    last = [line for line in log if line["val_loss"] is not None][-1]
    assert f"| the end | 4 | {last['val_loss']:.4f} | {last['perplexity']:,.1f} |" in out
    about = json.loads((trained / "run.json").read_text())
    assert f"SHA-256 `{about['data']['sha256']}`" in out
    assert "| optimizer | adamw, learning rate" in out
    assert "model.safetensors" in out
    assert "secret-place" not in out  # no path of this machine
    for name in ("run.json", "log.jsonl", "samples.md"):
        assert name not in out.partition("To me/goats")[2]


def test_it_is_sent_in_one_commit(cli: Cli, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    done: list[object] = []
    api = SimpleNamespace(
        create_repo=lambda name, private, exist_ok: done.append((name, private, exist_ok)),
        create_commit=lambda name, adds, commit_message: done.append((name, sorted(add.path_in_repo for add in adds))),
    )
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    status, out, _ = cli("push", trained, "me/goats", "--private")
    assert (status, out) == (0, "https://huggingface.co/me/goats\n")
    assert done[0] == ("me/goats", True, True)
    sent = done[1]
    assert isinstance(sent, tuple)
    assert {"README.md", "config.json", "model.safetensors", "loss.png"} <= set(sent[1])
    assert not {"run.json", "log.jsonl"} & set(sent[1])

    def refuse(*_: object, **__: object) -> None:
        raise OSError("401 Client Error\nlong text")

    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(create_repo=refuse))
    status, _, err = cli("push", trained, "me/goats")
    assert status == 1
    assert err.startswith("nextword: The hub did not take it (401 Client Error). Are you logged in (hf auth login)")


def test_a_card_of_one_s_own_is_kept(cli: Cli, model_directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in model_directory.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    _, out, _ = cli("push", copy, "me/goats", "--dry-run")
    assert "A GPT-2 of 2 blocks, 16 numbers wide" in out
    assert "## Training" not in out
    (copy / "README.md").write_text("My own words.\n")
    _, out, _ = cli("push", copy, "me/goats", "--dry-run")
    assert out.startswith("My own words.")


@pytest.mark.parametrize(
    "name, message",
    [("goats", "goats is no name on the hub: give USER/NAME."), ("me/goats", "holds no finished model")],
)
def test_mistakes_are_told(cli: Cli, tmp_path: Path, name: str, message: str) -> None:
    status, _, err = cli("push", tmp_path, name)
    assert status == 2
    assert message in err
