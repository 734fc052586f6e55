import json

import pytest
from matplotlib.image import imread

from nextword.train.plot import plot_loss

PNG = b"\x89PNG\r\n\x1a\n"


def line(step, train_loss, val_loss):
    return json.dumps({"step": step, "train_loss": train_loss, "val_loss": val_loss})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "lines",
    [
        [line(0, None, 10.8), line(1, 10.7, None), line(2, 9.0, 9.5)],
        [line(0, None, 10.8)],  # stopped before the first step
        [line(5, 4.2, None)],  # resumed, and not validated yet
    ],
    ids=["a run", "only step 0", "no validation"],
)
def test_a_png_is_written(tmp_path, lines):
    log, picture = tmp_path / "log.jsonl", tmp_path / "loss.png"
    log.write_text("".join(f"{text}\n" for text in lines))
    plot_loss(log, picture, n_vocab=50257)
    assert picture.read_bytes().startswith(PNG)
    height, width, _ = imread(picture).shape
    assert width > height > 300
    assert sorted(tmp_path.iterdir()) == [log, picture]


def test_the_picture_shows_the_losses(tmp_path):
    """Another log, another picture: the curve, not only its frame, is drawn."""
    log = tmp_path / "log.jsonl"
    pictures = []
    for last in (2.0, 8.0):
        log.write_text(f"{line(0, None, 10.8)}\n{line(1, 9.0, None)}\n{line(2, last, 9.0)}\n")
        plot_loss(log, tmp_path / "loss.png", n_vocab=50257)
        pictures.append((tmp_path / "loss.png").read_bytes())
    assert pictures[0] != pictures[1]
