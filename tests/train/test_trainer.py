"""The loop itself: by how much it learns, and what it tells. Resuming and failing have files of their own."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from train.runs import FERRY, TINY, equal, log, losses, newest, of, train, weights
from transformers import AutoTokenizer, GPT2LMHeadModel

import nextword
from nextword.data import batch, read_corpus
from nextword.errors import DataError
from nextword.evaluate import evaluate
from nextword.lens import trace
from nextword.model import CONFIGS, GPT, GPTConfig
from nextword.train import TrainConfig, Trainer
from nextword.train.attention_log import AttentionLog
from nextword.train.events import Finished, Judged, Sampled, Saved, Started, Stepped, Validated, Warned
from nextword.train.plot import plot_loss
from nextword.train.trainer import FIRST_SAVE_SECONDS, SAVE_SECONDS
from nextword.weights import load_model


def by_hand(config, windows):
    """The same training, written out again in float64: losses, lengths of the gradient, rates, and the last weights."""
    torch.manual_seed(config.seed)
    model = GPT(replace(TINY, dropout=0.0)).double()
    m = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    v = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    told = []
    for t in range(1, config.steps + 1):
        n = config.batch_size * config.accumulate
        x, y = (torch.stack(rows) for rows in zip(*rows_of(windows, config, (t - 1) * n, n), strict=True))
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        norm = math.sqrt(sum(g.square().sum().item() for g in gradients))
        scale = min(1.0, config.clip / norm)
        if t <= config.warmup:
            lr = config.lr * t / config.warmup
        else:
            done = (t - 1 - config.warmup) / (config.steps - 1 - config.warmup)
            lr = config.lr * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)
        with torch.no_grad():
            for (name, p), g in zip(model.named_parameters(), gradients, strict=True):
                m[name] = 0.9 * m[name] + 0.1 * g * scale
                v[name] = config.beta2 * v[name] + (1 - config.beta2) * (g * scale) ** 2
                step = m[name] / (1 - 0.9**t) / (torch.sqrt(v[name] / (1 - config.beta2**t)) + 1e-8)
                p -= lr * (step + (config.weight_decay if p.dim() == 2 else 0.0) * p)
        told.append((loss.item(), norm, lr))
    return told, model


def rows_of(windows, config, first, n):
    """Windows number first, ..., first + n - 1 of the endless stream, one at a time."""
    rows = (batch(windows, 1, config.seed, index) for index in range(first, first + n))
    return [(x[0], y[0]) for x, y in rows]


@pytest.mark.parametrize("accumulate, batch_size", [(1, 2), (2, 2), (3, 1)])
def test_every_step_is_what_the_formulas_say(config, accumulate, batch_size):
    """Order, accumulation, clipping before the step, schedule, decay: any mistake makes other numbers.

    The clipping length is below every gradient's, so that it always matters.
    """
    config = replace(config, accumulate=accumulate, batch_size=batch_size, dropout=0.0, clip=0.3, weight_decay=0.5)
    trainer = Trainer(config)
    steps = of(train(trainer), Stepped)
    told, model = by_hand(config, trainer.setup.windows)
    assert [s.step for s in steps] == list(range(1, 13))
    assert [s.tokens for s in steps] == [16 * accumulate * batch_size * n for n in range(1, 13)]
    assert [s.train_loss for s in steps] == pytest.approx([loss for loss, _, _ in told], rel=1e-4)
    assert [s.grad_norm for s in steps] == pytest.approx([norm for _, norm, _ in told], rel=1e-3)
    assert [s.lr for s in steps] == pytest.approx([lr for _, _, lr in told], rel=1e-9)
    assert min(s.grad_norm for s in steps) > 0.3
    for (name, p), q in zip(model.named_parameters(), trainer.setup.model.parameters(), strict=True):
        # AdamW divides by the root of a small number, which magnifies what float32 rounds off.
        torch.testing.assert_close(q.double(), p, rtol=0, atol=2e-3, msg=lambda text, name=name: f"{name}: {text}")
        assert (q.double() - p).abs().mean() < 1e-5, name


def test_two_batches_of_two_are_one_of_four(config):
    config = replace(config, dropout=0.0, steps=6)
    small = Trainer(replace(config, batch_size=2, accumulate=2, out=f"{config.out}-2x2"))
    large = Trainer(replace(config, batch_size=4, accumulate=1, out=f"{config.out}-1x4"))
    assert losses(train(small)) == pytest.approx(losses(train(large)), rel=1e-5)
    for p, q in zip(small.setup.model.parameters(), large.setup.model.parameters(), strict=True):
        assert (p - q).abs().mean() < 1e-5


def test_it_learns(config):
    told = losses(train(Trainer(replace(config, steps=40, lr=0.05, dropout=0.0, eval_every=40))))
    assert told[0] == pytest.approx(math.log(257), abs=0.1)
    assert told[-1] < 3.5


def test_equal_seeds_equal_losses(config):
    first = train(Trainer(config))
    again = train(Trainer(replace(config, out=f"{config.out}-2")))
    other = train(Trainer(replace(config, out=f"{config.out}-3", seed=2)))
    assert losses(first) == losses(again)
    assert log(Path(config.out)) == log(Path(f"{config.out}-2"))
    assert [e.text for e in of(first, Sampled)] == [e.text for e in of(again, Sampled)]
    assert losses(first)[0] != losses(other)[0]


def test_looking_changes_nothing(config):
    """Validating, sampling and saving draw no random number that training would draw."""
    seldom = replace(config, eval_every=12, sample_every=12)
    often = replace(config, eval_every=1, sample_every=2, save_every=3, out=f"{config.out}-2")
    assert losses(train(Trainer(seldom))) == losses(train(Trainer(often)))


def test_dropout_is_on_in_training_and_off_elsewhere(config):
    trainer = Trainer(replace(config, eval_every=2, sample_every=3))
    model, modes = trainer.setup.model, []
    hook = model.h[1].mlp.register_forward_hook(lambda *_: modes.append(trainer.setup.model.training))
    backward = trainer._steps._backward

    def training_only():
        modes.clear()
        loss = backward()
        assert modes == [True]
        assert all(module.training for module in model.modules())
        modes.clear()
        return loss

    trainer._steps._backward = training_only
    for event in trainer.run():
        if isinstance(event, Validated | Sampled):
            assert modes
            assert not any(modes)
            modes.clear()
    hook.remove()


def test_validation_is_the_mean_over_the_whole_split(config):
    trainer = Trainer(replace(config, steps=3, eval_every=1))
    for event in trainer.run():
        if isinstance(event, Validated):
            ids, surprises = trainer.setup.val_ids.long(), []
            model = GPT(TINY).eval()
            model.load_state_dict(trainer.setup.model.state_dict())
            for start in range(0, len(ids) - 1, 16):
                x, y = ids[start : start + 16], ids[start + 1 : start + 17]
                log_p = model(x[: len(y)][None])[0].log_softmax(-1)
                surprises += [-log_p[place, token].item() for place, token in enumerate(y)]
            assert len(surprises) == len(ids) - 1 == 32
            assert event.val_loss == pytest.approx(sum(surprises) / 32, rel=1e-5)
            assert event.perplexity == pytest.approx(math.exp(event.val_loss))


def test_the_log_has_a_line_a_step(config):
    events = train(Trainer(config))
    lines = [json.loads(line) for line in (Path(config.out) / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(13))
    keys = ["step", "tokens", "train_loss", "val_loss", "perplexity", "lr", "grad_norm", "tok_per_s"]
    assert all(list(line) == keys for line in lines)
    validated = {event.step: event for event in of(events, Validated)}
    assert validated.keys() == {0, 4, 8, 12}
    for line in lines:
        there = validated.get(line["step"])
        assert line["val_loss"] == (there and there.val_loss)
        assert line["perplexity"] == (there and there.perplexity)
    assert [lines[0][key] for key in ("tokens", "train_loss", "lr", "grad_norm", "tok_per_s")] == [0, *[None] * 4]
    for line, event in zip(lines[1:], of(events, Stepped), strict=True):
        assert [line[key] for key in ("tokens", "train_loss", "lr", "grad_norm")] == [
            event.tokens,
            event.train_loss,
            event.lr,
            event.grad_norm,
        ]
        assert line["tok_per_s"] == pytest.approx(event.tok_per_s, abs=0.1)


def test_what_is_told_and_in_which_order(config):
    events = train(Trainer(replace(config, steps=6, eval_every=4, sample_every=3, save_every=5)))
    kinds = [(type(event).__name__, event.step) for event in events if not isinstance(event, Started)]
    assert kinds == [
        ("Validated", 0),
        ("Sampled", 0),
        ("Stepped", 1),
        ("Stepped", 2),
        ("Stepped", 3),
        ("Sampled", 3),
        ("Stepped", 4),
        ("Validated", 4),
        ("Stepped", 5),
        ("Saved", 5),
        ("Stepped", 6),
        ("Validated", 6),
        ("Sampled", 6),
        ("Saved", 6),
        ("Judged", 6),
        ("Finished", 6),
    ]
    started, finished = events[0], events[-1]
    assert isinstance(started, Started)
    assert (started.step, started.plan.steps, started.data_name) == (0, 6, "ferry")
    assert (started.n_params, started.n_vocab) == (TINY.n_params, 257)
    assert (started.n_train_tokens, started.n_val_tokens, started.tokens_per_step) == (297, 33, 32)
    assert (started.dtype, started.device) == ("float32", "cpu")
    assert isinstance(finished, Finished)
    assert finished.complete
    assert of(events, Stepped)[-1].seconds_left == 0


def test_without_save_every_the_clock_decides(config, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("nextword.train.trainer.time.monotonic", lambda: now[0])
    saved = []
    for event in Trainer(replace(config, eval_every=2)).run():
        if isinstance(event, Stepped):
            now[0] += SAVE_SECONDS / 5
        if isinstance(event, Saved):
            saved.append(event.step)
    assert FIRST_SAVE_SECONDS == 60
    assert saved == [1, 7, 12]  # soon, so that a crash does not lose all; after more than five steps' time; at the end


def test_best_holds_the_weights_of_the_lowest_validation_loss(config):
    trainer = Trainer(replace(config, steps=8, eval_every=2, lr=1.0, warmup=8, dropout=0.0))
    told, kept = {}, {}
    for event in trainer.run():
        if isinstance(event, Validated) and event.step:
            told[event.step] = event.val_loss
            kept[event.step] = weights(trainer)
            assert event.is_best == (event.val_loss == min(told.values()))
        if isinstance(event, Finished):
            best = min(told, key=told.get)
            assert event.best_step == best < 8  # else this says nothing
    model = load_model(Path(config.out) / "best")
    assert equal({name: p.detach().view(torch.int32) for name, p in model.named_parameters()}, kept[best])


def test_samples_are_written_down_with_their_step(config):
    events = train(Trainer(replace(config, prompt="Nobody answered")))
    samples = of(events, Sampled)
    assert [event.step for event in samples] == [0, 4, 8, 12]  # what it writes before it has learned is kept too
    text = (Path(config.out) / "samples.md").read_text(encoding="utf-8")
    assert text.count("> **Nobody answered**") == 4
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Step 0", "## Step 4", "## Step 8", "## Step 12"]
    assert samples[0].text.split()[0] in text


def test_where_the_heads_look_is_kept_at_each_validation(config):
    trainer = Trainer(config)
    events = train(trainer)
    steps = [event.step for event in of(events, Validated)]
    kept = AttentionLog(Path(config.out) / "attention")
    assert kept.steps() == steps
    assert steps[0] == 0
    assert kept.text() == trainer.setup.val_ids[: TINY.n_ctx].tolist()
    last = trace(trainer.setup.model, kept.text())["h.1.attn.weights"][0, 1]
    torch.testing.assert_close(kept.read(steps[-1], 1, 1), last, rtol=0, atol=1e-3)
    assert (kept.read(0, 1, 1) - last).abs().max() > 1e-3


def test_a_run_leaves_a_gpt2_directory(config, monkeypatch):
    """With GPT-2's tokenizer and a picture, which the other tests go without."""
    monkeypatch.setattr("nextword.train.trainer.plot_loss", plot_loss)
    run = Path(config.out)
    trainer = Trainer(replace(config, tokenizer=None))
    train(trainer)
    names = "attention best checkpoints config.json log.jsonl loss.png merges.txt model.safetensors run.json samples.md"
    names += " tokenizer.json tokenizer_config.json vocab.json"
    assert sorted(path.name for path in run.iterdir() if path.name != ".lock") == names.split()
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")

    trained = weights(trainer)
    for path in (run, newest(run)):
        model, tokenizer = nextword.load(path)
        assert equal({name: p.detach().view(torch.int32) for name, p in model.named_parameters()}, trained)
    ids = torch.tensor([tokenizer.encode("Nobody answered")])
    theirs = GPT2LMHeadModel.from_pretrained(run).eval()
    torch.testing.assert_close(model(ids), theirs(ids).logits, rtol=1e-4, atol=1e-5)
    assert AutoTokenizer.from_pretrained(run)("Nobody answered").input_ids == ids[0].tolist()


def test_fine_tuning_begins_with_the_weights_given(config, tmp_path):
    train(Trainer(config))
    out = str(tmp_path / "tuned")
    again = replace(config, model=None, embedding_std=None, tokenizer=None, init=config.out, out=out, lr=None, warmup=0)
    events = train(Trainer(again))
    before, after = log(Path(config.out)), log(tmp_path / "tuned")
    assert after[0]["val_loss"] == before[-1]["val_loss"]
    assert of(events, Started)[0].plan.lr == pytest.approx(3e-4 * 768 / 8 / 10)


def test_bfloat16_is_near_float32(config):
    exact = losses(train(Trainer(replace(config, dropout=0.0))))
    near = losses(train(Trainer(replace(config, dropout=0.0, dtype="bfloat16", out=f"{config.out}-2"))))
    assert near != exact
    assert near == pytest.approx(exact, rel=0.01)


def test_a_shortage_of_memory_is_told_before_it_starts(config, monkeypatch):
    monkeypatch.setattr("nextword.train.opened_run.available_memory", lambda device: 2**20)
    events = train(Trainer(replace(config, steps=1)))
    assert isinstance(events[1], Warned)
    assert "and 1 MiB is free" in events[1].message


def test_nothing_is_made_where_the_text_cannot_be_used(config, tmp_path):
    with pytest.raises(DataError):
        Trainer(replace(config, data=(str(tmp_path / "nowhere.txt"),)))
    with pytest.raises(ValueError, match=r"^window"):
        Trainer(replace(config, window=64))
    assert not Path(config.out).exists()


def test_the_default_place_is_named_after_the_text(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(Trainer(replace(config, out=None, steps=1)))
    assert (tmp_path / "runs" / "ferry" / "run.json").exists()
    assert read_corpus(config.data).name == "ferry"


def test_a_text_is_learnt_by_heart_without_any_setting(tmp_path, text, monkeypatch):
    """Fewer tokens than a page, the smallest model that can: the loss at the end is the recipe's, below 0.5."""
    sizes = {**CONFIGS, "small": GPTConfig(n_ctx=32, n_embd=64, n_head=2, n_layer=2)}
    monkeypatch.setattr("nextword.train.config.CONFIGS", sizes)
    run = tmp_path / "run"
    text.write_text(FERRY[: len(FERRY) // 3])  # once, or its end would be learnt with its beginning
    trainer = Trainer(TrainConfig(data=(str(text),), model="small", out=str(run), dtype="float32", device="cpu"))
    model, plan = trainer.setup.model, trainer.setup.plan
    assert model.wte.weight.std().item() == pytest.approx(plan.embedding_std, rel=0.02)
    assert model.wpe.weight.std().item() == pytest.approx(plan.embedding_std, rel=0.1)
    assert model.h[0].mlp.c_fc.weight.std().item() == pytest.approx(0.02, rel=0.05)
    events = train(trainer)
    assert evaluate(model, trainer.setup.windows.ids, plan.window) < 0.5
    recorded = json.loads((run / "run.json").read_text())
    assert recorded["plan"] == json.loads(json.dumps(asdict(plan)))
    assert recorded["config"]["batch_size"] is None
    # One page is far too little to learn English from, and the run says when it began to forget that.
    (warning,) = of(events, Warned)
    assert f"The validation loss was lowest at step {of(events, Finished)[0].best_step}," in warning.message


def test_a_leak_is_told_once_after_a_validation_and_at_the_end(config, monkeypatch):
    trainer = Trainer(replace(config, steps=70, eval_every=25, sample_every=1000))
    monkeypatch.setattr(
        Trainer, "_validate", lambda self: Validated(self.step, 5.5 if not self.step else 0.01, 1.0, False)
    )
    events = train(trainer)
    judged = [(event.step, event.verdict.kind) for event in of(events, Judged)]
    assert [kind for _, kind in judged] == ["leak", "leak"] or [kind for _, kind in judged] == ["validation known"] * 2
    assert [step for step, _ in judged] == [50, 70]


def test_what_the_losses_are_judged_by_is_in_run_json(config):
    trainer = Trainer(replace(config, steps=2, tokenizer=None))
    last = of(train(trainer), Judged)[0]
    assert "Nobody can tell yet" in last.verdict.sentence
    said = json.loads((trainer.setup.directory / "run.json").read_text())["data"]
    assert 3.0 < said["bytes_per_token"] < 5.0
    assert 3.0 < said["frequencies"] < math.log(297)
