"""The settings of a training run."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nextword.config import CONFIGS, GPTConfig
from nextword.data.encodings import check_encoding
from nextword.errors import SettingError
from nextword.shape import HEAD_SIZE, parse_size, shape_of_depth, shape_of_size
from nextword.symbols import is_symbol
from nextword.tokenizer.vocab import END_OF_TEXT
from nextword.train.recipe import OPTIMIZERS, RECIPES
from nextword.train.schedule import SCHEDULES


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one training run. Raises ValueError where they contradict each other.

    None is worked out from the text and the model: see `plan`.
    """

    data: tuple[str | Path, ...] = ("story",)
    """Text to learn from: files, folders, 'books/**/*.txt', hub:OWNER/NAME, - for standard input, story, shakespeare.
    All that are named add up, or have shares: a.txt:0.7. Of JSON, tables and Parquet the texts are read: --field."""

    separator: str = END_OF_TEXT
    """What separates documents within a file; it becomes <|endoftext|>. \\n is a line break; "" means no separator."""

    encoding: str | None = None
    """Encoding of the files, such as utf-16-le, gbk or koi8-r. Default: utf-8."""

    as_text: bool = False
    """Learn from JSON, tables and the like as they stand, with all their marks, and not from the texts in them."""

    field: str | None = None
    """Column of the text in JSON, CSV, Parquet and the like, or a path such as messages.0.content.
    Default: the only one that may be it; where that is not clear, you are asked."""

    model: str | None = None
    """Size to train from random weights: nano, gpt2 (124M), gpt2-medium, ... Default: gpt2.
    Or a class of your own: my_gpt2:GPT, path/to/file.py:GPTModel."""

    size: str | None = None
    """Size of a class of your own: nano, gpt2, ... Default: nano, since plain attention is slow."""

    tokenizer: str | Path | None = None
    """Tokenizer of a model from random weights: gpt2, bytes, chars (those of the text), or the directory of one,
    such as `nextword tokenizer train` leaves. Default: gpt2. It is kept in the run."""

    params: str | int | None = None
    """Size of your own, in parameters: 10M, 1.5B or 800k. Blocks, width, heads of 64 and context are chosen
    to fit it and the vocabulary."""

    depth: int | None = None
    """Size of your own, in blocks: each makes the model 64 numbers wider and adds a head. 12 is gpt2's shape."""

    n_layer: int | None = None
    """Blocks. Default: as many as --model has; so it is with the next three."""

    n_head: int | None = None
    """Attention heads of a block. With n_embd alone: as many as make heads of 64 numbers."""

    n_embd: int | None = None
    """Width: numbers per token."""

    n_ctx: int | None = None
    """Context: the longest text that the model can read, in tokens."""

    init: str | Path | None = None
    """Continue from these weights instead of random ones: gpt2 and its siblings, or a directory."""

    out: str | Path | None = None
    """Where the run is kept. Default: runs/<name of the data>."""

    window: int | None = None
    """Tokens the model reads at once. Default: 256, which is quick and holds a page, or less for a text
    below four such windows, to cut it evenly; 64 for models of up to 2 million parameters; GPT-2 itself used 1024."""

    stride: int | None = None
    """Tokens from one window's start to the next. Default: the window, so that none is read twice an epoch."""

    batch_size: int | None = None
    """Windows read side by side. Default: 2 for a text to learn by heart (up to 20,000 tokens), since more
    updates store it sooner; else 4, or 16 for models of up to 2 million parameters. More is
    steadier, and takes more memory."""

    accumulate: int = 1
    """Batches added up before each update: a larger batch in the memory of a small one."""

    lr: float | None = None
    """Highest learning rate. Default: 3e-4 for 124M, less for wider models and more for nano; 1.5e-4 and 3e-3
    for these two to learn by heart; 6e-3 at a width of 128 for models of up to 2 million parameters; a tenth of
    that from trained weights."""

    recipe: str = "usual"
    """What is chosen where it is left out: usual, or fast (muon, and a rate that falls to zero in a straight line),
    which learns more from the same tokens."""

    optimizer: str | None = None
    """What moves the weights: adamw; or muon, mars or soap, which move the blocks' matrices in their own ways, and all
    else by AdamW. Default: adamw; muon by the fast recipe, and for models up to a width of 256 on longer texts."""

    schedule: str | None = None
    """Curve of the learning rate after the warm-up: cosine or linear, which fall to the end; wsd, which holds
    and falls at the end alone; or constant. Default: cosine; wsd to learn by heart; linear for models of up to
    2 million parameters, and up to a width of 256."""

    lr_floor: float | None = None
    """Share of the learning rate that is left at the end. Default: 0.1 of cosine and wsd, 0 of linear."""

    lr_fall: float | None = None
    """Last share of the run over which the learning rate falls. Default: 1 for cosine and linear, 0.3 for wsd."""

    warmup: int | None = None
    """Steps over which the learning rate rises. Default: a twentieth of the run, at most 200; 0 to learn by heart."""

    epochs: float | None = None
    """Length, in passes over the training text. Default: what a text of this size needs to be known by heart
    (up to 20,000 tokens), or has use for before the model only memorises."""

    steps: int | None = None
    """Length, in updates, instead of epochs."""

    tokens: int | None = None
    """Length, in tokens read, instead of epochs."""

    dropout: float | None = None
    """Share of numbers zeroed in training, against memorising. Default: 0.1, as GPT-2; 0 to learn by heart, and for
    models of up to 2 million parameters."""

    embedding_std: float | None = None
    """Deviation of the first token and position embeddings. Default: 0.02, as GPT-2; twice that for models of up
    to 2 million parameters and for 124M to learn by heart, more for nano to do so, since tokens
    that differ more from the first are told apart sooner."""

    weight_decay: float = 0.1
    """Pull of matrices and embeddings toward zero; biases and LayerNorms are left alone."""

    beta2: float = 0.95
    """Memory of AdamW's second moment: 0.95 forgives a bad batch sooner than Adam's 0.999."""

    clip: float = 1.0
    """Largest length of the gradient over all parameters; a longer one is scaled down to it."""

    val_fraction: float = 0.1
    """Share of the text, at its end, kept away from training to validate on."""

    eval_every: int | None = None
    """Steps between validations. Default: ten validations a run, and at least one every 500 steps."""

    sample_every: int | None = None
    """Steps between samples of the model's writing. Default: at each validation."""

    save_every: int | None = None
    """Steps between checkpoints. Default: after a minute, then every ten; always at the end."""

    prompt: str | None = None
    """What the samples continue. Default: the first words of the training text."""

    seed: int = 1
    """Where all randomness comes from: on one machine, equal seeds give equal runs."""

    dtype: str = "auto"
    """Format of matrix products: auto is bfloat16 where the hardware is fast at it, float16 with loss scaling on
    a GPU that knows only that (T4, V100), else float32."""

    shard: bool = False
    """Let each of several processes keep a part of the weights, gradients and moments, for models that are too large
    for one GPU. With one process this changes nothing."""

    recompute: bool = False
    """Keep only what enters a block, and compute its inside again on the way back: less memory, a third more work."""

    device: str = "auto"
    """Where to compute: cuda, mps or cpu; auto takes the first of them that is there."""

    def __post_init__(self) -> None:
        data: object = self.data
        if isinstance(data, str | Path):
            raise ValueError(f"data must be a tuple of sources, such as ({str(data)!r},).")
        object.__setattr__(self, "data", tuple(in_text(source) for source in self.data))
        for name in ("init", "out", "tokenizer"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else in_text(value))
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.model is not None and self.model not in CONFIGS and self.user_model is None:
            raise SettingError(
                "model",
                f"{self.model} is not a size to train: choose {', '.join(CONFIGS)}, or give a class of your own, "
                "my_gpt2:GPT.",
            )
        if self.size is not None and self.user_model is None:
            raise SettingError(
                "size", "is the size of a class of your own (`model='my_gpt2:GPT'`): use `model` for ours."
            )
        if self.size is not None and self.size not in CONFIGS:
            raise SettingError("size", f"{self.size} is not a size to train: choose {', '.join(CONFIGS)}.")
        if self.init is not None and (self.size is not None or (self.model is not None and self.user_model is None)):
            raise SettingError("init", f"brings its own size: leave out `{'size' if self.size else 'model'}`.")
        if self.init is not None and self.tokenizer is not None:
            raise SettingError("init", "brings its own tokenizer: leave out `tokenizer`.")
        if sum(length is not None for length in (self.epochs, self.steps, self.tokens)) > 1:
            raise ValueError("The length is given more than once: use one of `epochs`, `steps` and `tokens`.")
        if self.recipe not in RECIPES:
            raise SettingError("recipe", f"{self.recipe} is none: choose {' or '.join(RECIPES)}.")
        if self.optimizer is not None and self.optimizer not in OPTIMIZERS:
            raise SettingError("optimizer", f"{self.optimizer} is none: choose {', '.join(OPTIMIZERS)}.")
        if self.shard and self.recipe == "fast" and self.optimizer is None:
            raise SettingError("shard", "divides matrices that Muon, of `recipe='fast'`, needs whole: leave one out.")
        if self.shard and self.optimizer not in (None, "adamw"):
            raise SettingError("shard", f"divides matrices that {self.optimizer} needs whole: use `optimizer='adamw'`.")
        for name in ("shard", "recompute"):
            if getattr(self, name) and self.user_model is not None:
                raise SettingError(name, "is for our own models, not for a class of your own: leave it out.")
        if self.schedule is not None and self.schedule not in SCHEDULES:
            raise SettingError("schedule", f"{self.schedule} is no curve: choose {', '.join(SCHEDULES)}.")
        if self.schedule == "constant" and not (self.lr_floor is None and self.lr_fall is None):
            given = "lr_fall" if self.lr_floor is None else "lr_floor"
            raise SettingError("schedule", f"constant does not fall: leave out `{given}`.")
        if self.embedding_std is not None and (self.init is not None or self.user_model is not None):
            given = "`init` brings trained ones" if self.init is not None else "a class of your own draws its own"
            raise SettingError("embedding_std", f"is for our own first weights, and {given}: leave it out.")
        self._check_numbers()
        self._check_shape()

    def _check_numbers(self) -> None:
        """Raise SettingError for a number that is out of its range."""
        for names, is_allowed, allowed in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not is_allowed(value):
                    raise SettingError(name, f"must be {allowed}, not {value}.")

    @property
    def shape(self) -> GPTConfig:
        """The shape of the model to train from random weights, with GPT-2's vocabulary."""
        return self.shape_with(GPTConfig.n_vocab)

    def shape_with(self, n_vocab: int) -> GPTConfig:
        """Choose the shape of the model to train from random weights, for a vocabulary."""
        if self.params is not None:
            return shape_of_size(parse_size(str(self.params)), n_vocab, self.n_ctx)
        if self.depth is not None:
            return shape_of_depth(self.depth, n_vocab, self.n_ctx)
        size = self.size or "nano" if self.user_model is not None else self.model or "gpt2"
        given = {name: value for name in SHAPE if (value := getattr(self, name)) is not None}
        if self.n_embd is not None and self.n_head is None and self.n_embd % HEAD_SIZE == 0:
            given["n_head"] = self.n_embd // HEAD_SIZE
        return replace(CONFIGS[size], n_vocab=n_vocab, **given)

    @property
    def has_own_shape(self) -> bool:
        """Whether the model's shape is none of the named sizes."""
        return any(getattr(self, name) is not None for name in (*DIALS, *SHAPE))

    def _check_shape(self) -> None:
        """Raise SettingError for settings of the model's shape that contradict each other."""
        given = [name for name in (*DIALS, *SHAPE) if getattr(self, name) is not None]
        if given and self.init is not None:
            raise SettingError("init", f"brings its own size: leave out `{given[0]}`.")
        dials = [name for name in given if name in DIALS]
        if not dials:
            self.shape_with(GPTConfig.n_vocab)  # which raises where heads do not divide the width
            return
        others = [*dials[1:], *(name for name in given if name in SHAPE and name != "n_ctx")]
        others += [name for name in ("size", "model") if getattr(self, name) is not None and self.user_model is None]
        if others:
            raise SettingError(dials[0], f"chooses the shape by itself: leave out `{others[0]}`.")
        if self.params is not None:
            try:
                parse_size(str(self.params))
            except ValueError as error:
                raise SettingError("params", f"is a number of parameters, and {error}") from None

    @property
    def user_model(self) -> str | None:
        """The name of a class of the user's own, if `model` is one."""
        return self.model if self.model is not None and is_symbol(self.model) else None


def in_text(path: str | Path) -> str:
    """Turn a path into text for run.json, with the home directory for a leading ~."""
    return os.path.expanduser(os.fspath(path))


DIALS = ("params", "depth")
"""The settings that choose a whole shape."""

SHAPE = ("n_layer", "n_head", "n_embd", "n_ctx")
"""The settings of one number of a shape."""

LENGTHS = ("epochs", "steps", "tokens")
"""The settings that say how long a run is, of which one at most is given; more may be given as it is resumed."""

_COUNTS = (
    "window",
    "stride",
    "batch_size",
    "accumulate",
    "steps",
    "tokens",
    "eval_every",
    "sample_every",
    "save_every",
    "depth",
    *SHAPE,
)
_RANGES: tuple[tuple[tuple[str, ...], Callable[[float], bool], str], ...] = (
    ((*_COUNTS, "lr", "epochs", "clip", "embedding_std"), lambda x: x > 0 and math.isfinite(x), "above 0"),
    ((*_COUNTS, "warmup", "seed"), lambda x: isinstance(x, int), "a whole number"),
    (("warmup", "weight_decay", "seed"), lambda x: x >= 0 and math.isfinite(x), "at least 0"),
    (("seed",), lambda x: x < 2**64, "below 2**64"),
    (("dropout",), lambda x: 0.0 <= x < 1.0, "at least 0 and below 1"),
    (("lr_fall",), lambda x: 0.0 < x <= 1.0, "above 0 and at most 1"),
    (("lr_floor",), lambda x: 0.0 <= x <= 1.0, "between 0 and 1"),
    (("beta2", "val_fraction"), lambda x: 0.0 < x < 1.0, "between 0 and 1"),
)
"""What numbers may be: settings, whether a value is allowed, and what is allowed in words. None always is."""
