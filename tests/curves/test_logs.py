"""Logs of other programs, in the lines that these print."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from nextword.config import GPTConfig
from nextword.curves import read_curve
from nextword.errors import DataError

NANOGPT = """\
Overriding: dataset = shakespeare_char
tokens per iteration will be: 16,384
found vocab_size = 65 (inside data/shakespeare_char/meta.pkl)
Initializing a new model from scratch
number of parameters: 10.65M
step 0: train loss 4.2874, val loss 4.2823
iter 0: loss 4.2654, time 31337.23ms, mfu -100.00%
iter 10: loss 3.1463, time 28.73ms, mfu 12.97%
step 250: train loss 1.9739, val loss 2.0721
saving checkpoint to out-shakespeare-char
iter 250: loss 2.0012, time 4563.11ms, mfu 11.68%
iter 260: loss nan, time 4563.11ms, mfu 11.68%
"""

LLMC = """\
| micro batch size B    | 64                                                 |
| total batch size      | 524288                                             |
| LR warmup iterations  | 700                                                |
| load_filename         | d12                                                |
| vocab_size V          | 50257                                              |
| padded_vocab_size Vp  | 50304                                              |
| num_parameters        | 124475904                                          |
val loss 11.009463
step    1/18865 | loss 11.009285 (+nanz)| norm 15.3592 (+nanz)| lr 8.57e-07 | 3056.36 ms | 42.6% bf16 MFU | 171540 tok/s
step   80/18865 | loss 7.577051 (+1.12z)| norm 1.1461 (+9.15z)| lr 6.86e-05 | 2950.68 ms | 49.0% bf16 MFU | 177968 tok/s
val loss 7.4
"""


def read(folder: Path, text: str, name: str = "log.txt"):  # type: ignore[no-untyped-def]
    (folder / name).write_text(text)
    return read_curve(folder / name)


def test_nanogpt_is_read(tmp_path: Path) -> None:
    curve = read(tmp_path, NANOGPT)
    known = curve.circumstances
    assert curve.points[0] == (0, 4.2874, 4.2823)  # the mean over many batches, not the one of iter 0
    assert [point.step for point in curve.points] == [0, 10, 250, 260]
    assert curve.not_finite == 260
    assert (known.n_vocab, known.tokens_per_step, known.n_params) == (65, 16_384, 10_650_000)
    assert (known.train_tokens, known.bytes_per_token, known.fine_tuned) == (1_003_854, 1.0, False)


def test_llm_c_is_read(tmp_path: Path) -> None:
    curve = read(tmp_path, LLMC)
    known = curve.circumstances
    assert curve.val == ((0, 11.009463), (80, 7.4))
    assert curve.train == ((1, 11.009285), (80, 7.577051))
    assert (known.n_vocab, known.tokens_per_step, known.warmup, known.fine_tuned) == (50_257, 524_288, 700, False)
    assert curve.tokens == 80 * 524_288


def test_llm_c_s_main_log_is_read_and_its_vocabulary_is_known_by_the_start(tmp_path: Path) -> None:
    curve = read(
        tmp_path, "s:0 tel:10.9891\ns:0 trl:10.9889 lr:0.000001 norm:15.36\ns:250 eval:0.2512\ns:250 tel:6.3\n"
    )
    assert curve.val == ((0, 10.9891), (250, 6.3))
    assert curve.train == ((0, 10.9889),)
    assert curve.circumstances.n_vocab == 50_257


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("step 2000: train loss 1.7648, val loss 1.8857", (2000, 1.7648, 1.8857)),
        ("2023-03-22 09:32:41 iter 3000: loss 4.2490, time 35392.33ms, mfu 13.85%", (3000, 4.249, None)),
        ("490 | loss 5.7543 | lr 4.900000e-05 | 8060.78ms | mfu 0.21%", (490, 5.7543, None)),
        ("step 3: train loss 4.367631 (took 30.4 ms)", (3, 4.367631, None)),
        ("step    1/10 | train loss 5.270009 | norm 29.4 | lr 1e-4 | (45.2 ms | 90628 tok/s)", (1, 5.270009, None)),
        ("250 val 6.4112", (250, 6.4112, None)),
        ("7 train 9.532817", (7, 9.532817, None)),
        ("step:125/5100 val_loss:6.1021 train_time:9000ms step_avg:72ms", (125, None, 6.1021)),
        ("step:1/5100 train_loss:10.8258 train_time:150ms", (1, 10.8258, None)),
        ("step 4, loss: 8.97846", (4, 8.97846, None)),
        ("iter 5: loss 1.2e-05, time 1.00ms", (5, 1.2e-05, None)),
    ],
)
def test_lines_of_many_programs_are_read(tmp_path: Path, line: str, point: tuple[int, float, float]) -> None:
    step, *losses = point
    found = read(tmp_path, line).points[0]
    if " val " in line and "train" not in line:
        losses = [None, losses[0]]  # type: ignore[list-item]
    assert found == (step, *losses)


def test_official_weights_are_known_for_trained(tmp_path: Path) -> None:
    text = "Initializing from OpenAI GPT-2 weights: gpt2\nstep 0: train loss 3.2, val loss 3.3\n"
    assert read(tmp_path, text).circumstances.fine_tuned


def test_what_holds_no_losses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no losses found\. Expected a run of nextword, or the output of nanoGPT"):
        read(tmp_path, "Once upon a time there was 1 step and no loss.")
    with pytest.raises(DataError, match=r"not there"):
        read_curve(tmp_path / "other.txt")


def test_a_run_is_read_with_what_run_json_says(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"step": 0, "train_loss": null, "val_loss": 10.9}\n'
        '{"step": 1, "train_loss": 10.8, "val_loss": null}\n'
        '{"step": 2, "train_l'
    )
    said: dict[str, Any] = {
        "config": {"init": "gpt2"},
        "plan": {"batch_size": 2, "window": 32, "accumulate": 4, "warmup": 5},
        "model": {"n_vocab": 50257, "n_ctx": 256, "n_embd": 128, "n_head": 4, "n_layer": 4, "dropout": 0.0},
        "data": {"train_tokens": 512, "bytes_per_token": 4.1, "frequencies": 6.5},
    }
    (tmp_path / "run.json").write_text(json.dumps(said))
    curve = read_curve(tmp_path)
    known = curve.circumstances
    assert curve.points == ((0, None, 10.9), (1, 10.8, None))
    assert (known.tokens_per_step, known.train_tokens, known.fine_tuned, known.warmup) == (256, 512, True, 5)
    assert (known.bytes_per_token, known.frequencies, known.n_params) == (4.1, 6.5, GPTConfig(**said["model"]).n_params)
    assert curve.passes == 0.5
    assert curve.bits_per_byte(math.log(2.0)) == pytest.approx(1 / 4.1)


def test_a_run_json_of_another_version_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 0, "train_loss": null, "val_loss": 10.9}\n')
    for said in ("{", "[]", '{"data": "story.txt", "config": {}}', '{"model": {"n_vocab": 100}}'):
        (tmp_path / "run.json").write_text(said)
        assert read_curve(tmp_path).val == ((0, 10.9),)
