"""What the training tests share: a size to train at once, a text, and settings for a run of twelve steps."""

from dataclasses import replace
from pathlib import Path

import pytest
from train.runs import TEXT, TINY, train

from nextword.model import CONFIGS
from nextword.train import TrainConfig, Trainer


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `--model tiny` be one of the sizes."""
    sizes = {**CONFIGS, "tiny": TINY}
    monkeypatch.setattr("nextword.train.config.CONFIGS", sizes)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out pictures, and long samples: they take longer than the training."""
    monkeypatch.setattr("nextword.train.trainer.plot_loss", lambda *arguments: None)
    monkeypatch.setattr("nextword.train.trainer.SAMPLE_TOKENS", 8)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "ferry.txt"
    file.write_text(TEXT)
    return file


@pytest.fixture
def config(tmp_path: Path, text: Path, tiny: None) -> TrainConfig:
    """Twelve steps of two windows: the first epoch ends in the middle of the tenth. Dropout is on."""
    return TrainConfig(
        data=(str(text),),
        model="tiny",
        tokenizer="bytes",
        out=str(tmp_path / "run"),
        window=16,
        batch_size=2,
        steps=12,
        lr=0.01,
        schedule="cosine",
        lr_floor=0.1,
        lr_fall=1.0,
        warmup=3,
        dropout=0.2,
        embedding_std=0.02,
        eval_every=4,
        sample_every=4,
        dtype="float32",
        device="cpu",
    )


@pytest.fixture
def stopped(config: TrainConfig) -> TrainConfig:
    """The settings of a run that was stopped after step 7; it holds checkpoints of steps 6 and 7."""
    config = replace(config, save_every=2)
    train(Trainer(config), until=7)
    return config
