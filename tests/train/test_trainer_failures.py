"""When numbers stop being finite, the loss runs away or memory runs out: what is said, and what is left as it was."""

import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import equal, log, of, python, train, weights
from train.test_health import PoisonedOnTheWayBack

from nextword.errors import TrainingError
from nextword.train import Trainer
from nextword.train import trainer as trainer_module
from nextword.train.events import Stepped, Warned


def advance(trainer, step):
    """Make so many steps, and hand over the run as it is then."""
    running = trainer.run()
    while not (isinstance(event := next(running), Stepped) and event.step == step):
        pass
    return running


def fails(trainer, running, message):
    """The run must end with this message, and leave weights and moments as they are now, to the bit."""
    before = weights(trainer)
    moments = {
        name: trainer._optimizer.state[p]["exp_avg_sq"].clone() for name, p in trainer.setup.model.named_parameters()
    }
    with pytest.raises(TrainingError, match=message) as error:
        for _ in running:
            pass
    assert equal(weights(trainer), before)
    after = {name: trainer._optimizer.state[p]["exp_avg_sq"] for name, p in trainer.setup.model.named_parameters()}
    assert equal(after, moments)
    assert error.value.exit_code == 1
    return str(error.value)


def test_a_kernel_that_shows_the_future_is_told_before_the_first_step(config, monkeypatch):
    def without_mask(q, k, v, dropout=0.0, visible=None):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)

    monkeypatch.setattr("nextword.model.fused.causal_attention", without_mask)
    with pytest.raises(
        TrainingError, match=r"PyTorch's attention is wrong here, on cpu in float32: use `dtype='float32'`"
    ):
        Trainer(config)
    assert not Path(config.out).exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["h.0.ln_1.weight", "h.1.mlp.c_fc.weight", "h.0.attn.c_proj.bias", "ln_f.bias"])
def test_a_weight_that_is_not_finite(config, name, value):
    trainer = Trainer(config)
    running = advance(trainer, 3)
    with torch.no_grad():
        dict(trainer.setup.model.named_parameters())[name].view(-1)[0] = value
    module = name.rsplit(".", 1)[0]
    message = fails(trainer, running, f"The loss is nan at step 4.*First not finite: the output of {module}\\.")
    assert "the weights are as they were before it" in message
    assert "a lower `lr`" in message
    assert "check the mask" in message


def test_a_module_that_makes_infinity(config):
    trainer = Trainer(replace(config, accumulate=2))
    running = advance(trainer, 5)
    trainer.setup.model.h[1].ln_2.register_forward_hook(lambda module, inputs, output: output / 0)
    fails(trainer, running, "The loss is nan at step 6.*First not finite: the output of h.1.ln_2")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_only_the_gradient_is_not_finite(config, dtype):
    trainer = Trainer(replace(config, dtype=dtype))
    running = advance(trainer, 2)
    mlp = trainer._steps._working.model.h[0].mlp
    forward = mlp.c_fc.forward
    mlp.c_fc.forward = lambda x: PoisonedOnTheWayBack.apply(forward(x))
    fails(
        trainer,
        running,
        r"The gradient's norm is (nan|inf) at step 3.*First not finite: the gradient at the input of h\.0\.mlp\.c_fc",
    )


def test_the_second_look_sees_the_same_dropout(config):
    """What went wrong only because of the numbers that were dropped is found again."""
    trainer = Trainer(replace(config, dropout=0.5))
    running = advance(trainer, 2)
    seen = []

    def remember(module, inputs, output):
        seen.append(inputs[0].detach().clone())
        return output * math.nan

    trainer.setup.model.h[1].ln_1.register_forward_hook(remember)
    fails(trainer, running, "First not finite: the output of h.1.ln_1")
    assert len(seen) == 2
    assert torch.equal(*seen)


def test_what_was_logged_stays_and_the_directory_is_free(config):
    trainer = Trainer(config)
    running = advance(trainer, 3)
    trainer.setup.model.ln_f.weight.data[0] = math.nan
    fails(trainer, running, "at step 4")
    assert [line["step"] for line in log(Path(config.out))] == [0, 1, 2, 3]
    train(Trainer(config, overwrite=True), until=1)


def test_a_diverging_loss_is_told_once_and_training_goes_on(config):
    events = train(Trainer(replace(config, lr=5.0, steps=24, warmup=0)))
    (warning,) = [warned for warned in of(events, Warned) if warned.message.startswith("The loss is diverging: ")]
    assert "a lower `lr`" in warning.message
    assert warning.step == 10
    assert of(events, Stepped)[-1].step == 24


@pytest.mark.parametrize(
    "when, error",
    [
        ("forward", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")),
        ("backward", RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")),
        ("step", RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")),
        ("validation", MemoryError()),
    ],
)
def test_memory_that_runs_out(config, error, when, monkeypatch):
    trainer = Trainer(replace(config, batch_size=16))

    def fail(*arguments, **settings):
        raise error

    places = {
        "forward": (trainer.setup.model.h[1], "forward"),
        "backward": (torch.Tensor, "backward"),
        "step": (trainer._steps, "_move"),
        "validation": (trainer_module, "evaluate"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*places[when], fail)
        with pytest.raises(TrainingError, match="Memory ran out: `batch_size=16` with `window=16` needs about") as told:
            train(trainer)
    assert int(re.search(r"Use `batch_size=(\d+)`", str(told.value))[1]) < 16
    train(Trainer(config, overwrite=True), until=1)  # the lock was let go of


def test_other_errors_are_not_mistaken_for_memory(config, monkeypatch):
    trainer = Trainer(config)
    monkeypatch.setattr(trainer.setup.model.h[1], "forward", lambda *_: torch.ones(2, 3) @ torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train(trainer)


LITTLE_MEMORY = """
    import resource
    from nextword.errors import TrainingError
    from nextword.train import TrainConfig, Trainer
    trainer = Trainer(TrainConfig(**eval(sys.argv[1])))
    for event in trainer.run():
        if event.step == 1:
            # From here on this process gets 64 MiB more, and a step with a batch of 1024 needs more than that.
            size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))
            trainer.setup.plan.__dict__["batch_size"] = 1024
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads its own size from Linux's /proc")
def test_memory_that_really_runs_out(config):
    process = python(LITTLE_MEMORY, repr(vars(replace(config, tokenizer=None))))  # whose logits are many
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    last = errors.splitlines()[-1]
    assert "TrainingError: Memory ran out: `batch_size=1024` with `window=16` needs about" in last
    assert int(re.search(r"Use `batch_size=(\d+)`", last)[1]) < 1024
