"""Signs of training going wrong, and the place where it begins."""

import math
from collections import deque
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from nextword.curves import Verdict, judge, read_curve
from nextword.errors import TrainingError
from nextword.model.causality import find_leak
from nextword.model.eval_mode import eval_mode
from nextword.runtime import matmuls_in
from nextword.train.checkpoint import TrainerState
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.setup import Setup
from nextword.user_model import UserModel

REMEDY = "What usually helps: a lower `lr`, a longer `warmup`, `dtype='float32'`; in your own model, check the mask."


def check_causality(setup: Setup) -> list[str]:
    """Try whether the model sees later tokens, in the run's own format and on its device.

    Raises TrainingError where our own model does, which is the kernels' fault; of
    a user model that is a warning.
    """
    config = setup.model.config
    with eval_mode(setup.model), matmuls_in(setup.dtype, setup.device):
        leak = find_leak(setup.model, config.n_vocab, config.n_ctx, setup.device)
    if leak is None:
        return []
    if isinstance(setup.model, UserModel):
        return [f"{leak}. Its loss means nothing. Hide later tokens before the softmax."]
    raise TrainingError(
        f"{leak}. PyTorch's attention is wrong here, on {setup.device.type} in "
        f"{str(setup.dtype).removeprefix('torch.')}: use `dtype='float32'` or `device='cpu'`, or another PyTorch."
    )


class LossWatch:
    """Warns once when the loss has risen well above its beginning."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=10)
        self._warned = False

    def warning(self, loss: float, start: float) -> str | None:
        """Take in one more training loss; return the warning, once, or None. start: the run's first loss."""
        self._recent.append(loss)
        recent = sum(self._recent) / len(self._recent)
        if self._warned or len(self._recent) < 10 or recent < start + 0.5:
            return None
        self._warned = True
        return f"The loss is diverging: {recent:.2f} over the last 10 steps, from {start:.2f} at first. {REMEDY}"


class PassedBest:
    """Warns once when the validation loss has left its lowest behind."""

    MARGIN = 0.1
    """Nats a token by which it must have risen: less may be chance."""

    def __init__(self) -> None:
        self._warned = False

    def warning(self, loss: float, state: TrainerState, passes: float) -> str | None:
        """Take in a validation loss; return the warning, once, or None.

        passes: over the training text. What has not been read twice cannot be known by heart.
        """
        best = state.best_val_loss
        if self._warned or passes < 1.0 or best is None or loss < best + self.MARGIN:
            return None
        self._warned = True
        return (
            f"The validation loss was lowest at step {state.best_step}, {best:.3f}, and is {loss:.3f} now: since "
            "then the model has learnt its own text by heart rather than the language. best/ keeps that step's weights."
        )


class CurveWatch:
    """Holds a run's losses against the expected ones, and tells each fault once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._told: set[str] = set()

    def verdict(self, at_the_end: bool = False) -> Verdict | None:
        """Judge the losses in the run's log; None where there is nothing new to say."""
        verdict = judge(read_curve(self._directory))
        is_news = not verdict.is_normal and verdict.kind not in self._told
        self._told.add(verdict.kind)
        return verdict if at_the_end or is_news else None


def not_finite(working: LowPrecisionCopy, step: int, loss: float, grad_norm: float, rerun: Callable[[], float]) -> str:
    """Describe a step with numbers that are not finite, and the usual remedies.

    `rerun` computes the step's loss and gradient again, from the same batches
    and random state.
    """
    what = f"The loss is {loss}" if not math.isfinite(loss) else f"The gradient's norm is {grad_norm}"
    return (
        f"{what} at step {step}; the weights are as they were before it. "
        f"First not finite: {first_not_finite(working, rerun)}. {REMEDY}"
    )


def first_not_finite(working: LowPrecisionCopy, rerun: Callable[[], float]) -> str:
    """Find the first module with an output, or else a gradient, that is not finite."""
    found: list[str] = []

    def look(where: str, tensors: Tensor | tuple[Tensor | None, ...]) -> None:
        tensors = tensors if isinstance(tensors, tuple) else (tensors,)
        if any(tensor is not None and not tensor.isfinite().all() for tensor in tensors):
            found.append(where)

    def forward_hook(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: look(f"the output of {name}", output)

    def backward_hook(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...]) -> None:
            look(f"the gradient at the output of {name}", outputs)  # what comes back to it ...
            look(f"the gradient at the input of {name}", inputs)  # ... and what it passes on

        return hook

    hooks = []
    for name, module in working.model.named_modules():
        if name and next(module.children(), None) is None:  # the innermost modules tell most
            hooks.append(module.register_forward_hook(forward_hook(name)))
            if not isinstance(module, nn.Embedding):  # from there no gradient goes on
                hooks.append(module.register_full_backward_hook(backward_hook(name)))
    try:
        working.clear_gradients()
        loss = rerun()
    finally:
        for handle in hooks:
            handle.remove()
    if found and (math.isfinite(loss) or found[0].startswith("the output")):
        return found[0]
    if not math.isfinite(loss):
        return "the loss itself, while the output of every module is finite"
    gradients = working.gradients_by_name().items()
    wrong = [name for name, gradient in gradients if gradient is not None and not gradient.isfinite().all()]
    return f"the gradient of {wrong[-1]}" if wrong else "nothing, when computed once more: the fault comes and goes"
