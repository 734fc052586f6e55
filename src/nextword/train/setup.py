"""The setup of a training run: model, windows and plan, put together before the first step."""

import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nextword
from nextword.data import Corpus, OpenedCorpus, Reading, Windows
from nextword.data.corpus import corpus_name
from nextword.data.frequencies import bytes_per_token, frequencies, frequency_entropy
from nextword.data.mixture import Mixture, cut_windows, encode_shares
from nextword.data.reading import AS_AT_FIRST
from nextword.data.sharded_corpus import IN_MEMORY, ShardedCorpus, Tell, onto_disk, open_data
from nextword.data.statistics import Statistics, measure
from nextword.errors import SettingError, TokenizerError, TrainingError
from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.runtime import available_memory, pick_device, pick_dtype, readable_size
from nextword.shape import in_millions
from nextword.tokenizer import Tokenizer, load_tokenizer
from nextword.tokenizer.characters import character_vocabulary
from nextword.tokenizer.directory import make_tokenizer
from nextword.train.checkpoint import OWN
from nextword.train.config import TrainConfig
from nextword.train.plan import Plan, plan
from nextword.train.ranks import job
from nextword.train.recipe import GPT2_STD
from nextword.user_model import Trainable, UserModel, build
from nextword.weights.assemble import without_numbers
from nextword.weights.tensor_file import load_tensors

FIRST_TOKENS = 12
LONGEST_WORDS = 80
"""How a sample begins, unless `prompt` says: of six words longer than 80 characters together, it takes 12 tokens."""


@dataclass(frozen=True)
class StepSetup:
    """What a step needs: a model, a text cut into windows, and a plan."""

    config: TrainConfig
    plan: Plan
    windows: Windows | Mixture
    model: Trainable
    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True)
class Setup(StepSetup):
    """A step's setup, with the rest of what a run needs. `prompt` is what samples continue."""

    corpus: Corpus | ShardedCorpus
    directory: Path
    tokenizer: Tokenizer
    val_ids: Tensor
    prompt: str
    statistics: Statistics | None = None

    def describe(self) -> dict[str, Any]:
        """Describe everything needed to repeat the run and to judge it, for run.json."""
        shares = frequencies(self.windows, self.model.config.n_vocab)
        return {
            "config": asdict(self.config),
            "plan": asdict(self.plan),
            "model": asdict(self.model.config),
            "data": {
                "name": self.corpus.name,
                "sha256": self.corpus.sha256,
                "sources": list(self.config.data),
                "suffixes": list(self.corpus.reading.suffixes),
                "documents": self.corpus.n_documents,
                "train_tokens": self.windows.n_tokens,
                "val_tokens": len(self.val_ids),
                "bytes_per_token": round(bytes_per_token(shares, self.tokenizer), 4),
                "frequencies": round(frequency_entropy(shares), 4),
            }
            | ({"on_disk": True} if isinstance(self.corpus, ShardedCorpus) else {}),
            "device": str(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "versions": {
                "nextword": nextword.__version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            "threads": torch.get_num_threads(),
            "kernels": library() is not None,
        } | ({"job": name} if (name := job()) is not None else {})


def run_path(config: TrainConfig) -> Path:
    """Choose the run's directory: `out`, or runs/<name of the data>."""
    return Path(config.out) if config.out is not None else Path("runs") / corpus_name(config.data)


def how_to_read(config: TrainConfig, recorded: dict[str, Any] | None = None) -> Reading:
    """Choose how the text is read: by the settings, and in a resumed run as at first."""
    reading = Reading(config.separator, config.encoding, config.as_text, field=config.field)
    if recorded is None:
        return reading
    suffixes = tuple(recorded["data"].get("suffixes", AS_AT_FIRST.suffixes))
    return replace(reading, suffixes=suffixes)


def open_text(config: TrainConfig, recorded: dict[str, Any] | None = None) -> Corpus | OpenedCorpus | ShardedCorpus:
    """Open the text to train on: in a resumed run in memory, or not, as at first."""
    most: int | None = IN_MEMORY
    if recorded is not None:
        most = 0 if recorded["data"].get("on_disk") else None
    return open_data(config.data, how_to_read(config, recorded), most)


def prepare(
    config: TrainConfig,
    corpus: Corpus | OpenedCorpus | ShardedCorpus | None = None,
    checkpoint: Path | None = None,
    tell: Tell = lambda said: None,
    n_ranks: int = 1,
) -> Setup:
    """Read the text, build the model and make the plan; write nothing.

    But for a text that is too long for memory: its tokens are written beside the run, and `tell` is told so.

    The weights come from the checkpoint if one is given, else from `init`, else
    from the seed. Seeds torch's global generator. Raises DataError,
    WeightsError and ValueError for what cannot be used.
    """
    device = pick_device(config.device)
    user_model = config.user_model
    dtype = torch.float32 if user_model is not None and config.dtype == "auto" else pick_dtype(config.dtype, device)
    corpus = corpus or open_text(config)
    source = checkpoint if checkpoint is not None else config.init
    given, tokenizer = (None, chosen_tokenizer(config, corpus)) if source is None else load(source)
    if isinstance(corpus, ShardedCorpus):
        corpus.folder.check_vocabulary(tokenizer.vocabulary)
    if isinstance(corpus, OpenedCorpus):
        path = run_path(config)
        corpus = onto_disk(corpus, tokenizer, path.with_name(f"{path.name}.tokens"), tell)
    parts, val_ids = encode_shares(corpus, tokenizer, config.val_fraction)
    n_train_tokens = sum(map(len, parts))
    shape = config.shape_with(tokenizer.n_vocab) if given is None else given.config
    chosen = plan(config, shape, n_train_tokens, n_ranks)
    check_window(chosen.window, shape.n_ctx, n_train_tokens)
    name = f"{corpus.name}, less the {len(val_ids)} tokens to validate on"
    windows = cut_windows(parts, corpus, chosen.window, chosen.stride, name)

    if given is None:
        check_weights_fit(shape, device)
    torch.manual_seed(config.seed)
    shape = replace(shape, dropout=chosen.dropout)
    if user_model is not None:
        model: Trainable = build_user_model(user_model, shape, given, checkpoint)
    else:
        model = fresh_model(shape, chosen.embedding_std) if given is None else with_dropout(given, chosen.dropout)
    model.vocabulary = tokenizer.vocabulary
    first = corpus.beginning(tokenizer) if isinstance(corpus, ShardedCorpus) else corpus.documents[0]
    prompt = config.prompt or beginning(first, tokenizer)
    tokenizer.encode_prompt(prompt)  # which says what of it cannot be read
    return Setup(
        config=config,
        plan=chosen,
        corpus=corpus,
        directory=run_path(config),
        tokenizer=tokenizer,
        windows=windows,
        val_ids=val_ids,
        model=model.to(device),
        prompt=prompt,
        device=device,
        dtype=dtype,
        statistics=corpus.statistics
        if isinstance(corpus, ShardedCorpus)
        else measure(corpus.documents, [*(part[:] for part in parts), val_ids], tokenizer.n_vocab),
    )


def chosen_tokenizer(config: TrainConfig, corpus: Corpus | OpenedCorpus | ShardedCorpus) -> Tokenizer:
    """Choose the tokenizer of a model from random weights. Raises TokenizerError for one that cannot be had."""
    if isinstance(corpus, ShardedCorpus):
        if config.tokenizer in (None, "chars") and (vocabulary := corpus.folder.vocabulary()) is not None:
            return make_tokenizer(vocabulary)
    elif config.tokenizer == "chars":
        documents = corpus.documents if isinstance(corpus, Corpus) else corpus.documents()
        return make_tokenizer(character_vocabulary(documents))
    return load_tokenizer(config.tokenizer or "gpt2")


@torch.no_grad()
def fresh_model(shape: GPTConfig, embedding_std: float | None) -> GPT:
    """Draw a GPT-2 from torch's global generator, its two embeddings with this deviation (None: GPT-2's)."""
    model = GPT(shape)
    if embedding_std is not None:
        for embedding in (model.wte, model.wpe):
            embedding.weight *= embedding_std / GPT2_STD
    return model


def build_user_model(spec: str, shape: GPTConfig, given: GPT | None, checkpoint: Path | None) -> UserModel:
    """Build the class that a name like `my_gpt2:GPT` means, with its own weights, a source's or a checkpoint's."""
    model = build(spec, shape)
    if given is not None:
        model.load(given)
    if checkpoint is not None and (checkpoint / OWN).exists():
        model.take_own_tensors(load_tensors(checkpoint / OWN))
    return model


def with_dropout(model: GPT, dropout: float) -> GPT:
    """Copy a model's weights into one that is to be trained, with this dropout.

    They are copied into memory of their own, each in the order of its rows: a
    loaded model's may be a file's, and transposed, which PyTorch's fused AdamW
    would mix up.
    """
    other = without_numbers(replace(model.config, dropout=dropout), model.ops)
    weights = {name: weight.clone(memory_format=torch.contiguous_format) for name, weight in model.state_dict().items()}
    other.load_state_dict(weights, assign=True)
    return other.requires_grad_()


def check_window(window: int, n_ctx: int, n_tokens: int) -> None:
    """Raise SettingError, with a length that fits, for a window longer than the model can read."""
    if window > n_ctx:
        fits = max(1, min(n_ctx, n_tokens - 1))
        raise SettingError("window", f"{window} is more than the model can read: use {fits} or less.")


def check_weights_fit(shape: GPTConfig, device: torch.device) -> None:
    """Raise TrainingError before weights are drawn that no memory has room for."""
    free = available_memory(device)
    if free is not None and 4 * shape.n_params > free:
        raise TrainingError(
            f"{in_millions(shape.n_params)} parameters take {readable_size(4 * shape.n_params)} for the weights alone, "
            f"and {readable_size(free)} is free. Use a smaller model, or a machine with more memory."
        )


def beginning(text: str, tokenizer: Tokenizer, count: int = 6) -> str:
    """Take the text's first words, on one line; without blanks in it, its first few tokens."""
    words = " ".join(text.split(maxsplit=count)[:count])
    try:
        ids = tokenizer.encode(words[:LONGEST_WORDS])
    except TokenizerError:  # its characters are the text's, and there may be no blank among them
        words = words.replace(" ", "")
        ids = tokenizer.encode(words[:LONGEST_WORDS])
    if len(words) <= LONGEST_WORDS:
        return words
    return tokenizer.decode(ids[:FIRST_TOKENS]).rstrip("\ufffd")  # the last may be half a character
