"""`nextword generate`: continue a prompt."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from nextword.cli.arguments import parse, read_prompt
from nextword.cli.chosen_model import chosen_engine

if TYPE_CHECKING:
    from nextword.decode import Engine
    from nextword.decode.sampling import SamplingArguments
    from nextword.tokenizer import Tokenizer

HOTTEST = 2.0
"""The highest temperature of OpenAI's requests, which --prompts is made of."""


@dataclass(frozen=True)
class Arguments:
    """Continue a prompt with a trained model, or with the official GPT-2."""

    prompt: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """The text to continue. Without it, standard input is read; "" begins a fresh document."""

    prompts: str | None = None
    """Continue many: a file with a prompt in each line, as {"prompt": "..."}, or as a request of OpenAI's batch files.
    Needs --out."""

    out: str | None = None
    """Where the answers to --prompts go, line by line; the same command goes on after a kill."""

    part: str | None = None
    """Answer one of several equal parts of --prompts, such as 3/8, on one of several machines."""

    rows: int = 8
    """How many of --prompts to continue side by side."""

    model: str = "gpt2"
    """A run directory, any GPT-2 directory, gpt2, gpt2-medium, gpt2-large, gpt2-xl, or heads, the small one at hand.
    Or a class of your own, my_gpt2:GPT or path/to/file.py:GPTModel, to be filled with --weights."""

    weights: str | None = None
    """What to fill a class of your own with: all that --model takes besides."""

    max_new_tokens: int = 100
    """How much to write at most. 100 tokens are about 75 words."""

    temperature: float = 0.8
    """0 always takes the likeliest token; 1 keeps the model's own odds; 0.8 is a little more careful."""

    top_k: int = 40
    """Draw from the k likeliest tokens only, so that no blunder slips in; 50257 draws from all."""

    top_p: float = 1.0
    """Draw from the likeliest tokens that hold this probability together; 1 draws from all."""

    min_p: float = 0.0
    """Draw only tokens at least so many times as likely as the likeliest, 0.05 for example; 0 draws from all."""

    repetition_penalty: float = 1.0
    """Make tokens of the prompt and the text less likely to come again, 1.2 for example; 1 changes nothing."""

    seed: int | None = None
    """The same seed writes the same text. Default: another text each time."""

    num_samples: int = 1
    """How many texts to write. With a seed, the first is the text that one sample would be."""

    stop: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(help_behavior_hint="")] = ()
    """End before this text, where \\n is a line break; may be given several times. <|endoftext|> always ends."""

    device: str = "auto"
    """Where to compute: cuda, mps or cpu; auto takes the first of them that is there."""

    dtype: Literal["float32", "bfloat16"] | None = None
    """How to hold the weights. bfloat16 writes nearly twice as fast. Default: as they are stored."""

    quantize: Literal["int8", "int4"] | None = None
    """Compute in 8 bits, with weights of 8 or 4, on a CPU: faster still, and a little less exact."""

    engine: Literal["native", "torch", "plain"] | None = None
    """What computes: native is C for a CPU, torch is PyTorch, plain is the code of the README's tour, to read along
    with. All write the same text. Default: native where it can be had, else torch."""


def run(arguments: list[str]) -> int:
    """Write the samples to standard output, as they come; notices go to standard error."""
    args = parse(Arguments, "generate", arguments)
    if args.prompts is not None:
        return many(args)
    for name in ("out", "part"):
        if getattr(args, name) is not None:
            raise ValueError(f"--{name} goes with --prompts FILE: a single text is written to standard output.")
    if args.num_samples < 1:
        raise ValueError(f"--num-samples must be at least 1, not {args.num_samples}.")
    prompt = read_prompt("generate", args.prompt)

    from nextword.decode import Sampling, check_settings, stream

    # What is wrong is told before a model is loaded, or even fetched.
    sampling = sampling_of(args)
    Sampling(**sampling)
    stop = [text.replace("\\n", "\n") for text in args.stop]
    check_settings(args.max_new_tokens, args.seed, stop)
    engine, tokenizer = chosen_engine(
        args.model, args.weights, args.device, args.dtype, args.quantize, engine=args.engine
    )
    for n in range(args.num_samples):
        if args.num_samples > 1:
            print(f"{chr(10) if n else ''}--- sample {n + 1} of {args.num_samples} ---")
        pieces = stream(
            engine,
            tokenizer,
            prompt,
            max_new_tokens=args.max_new_tokens,
            seed=args.seed,
            index=n,
            stop=stop,
            notice=lambda message: print(f"[{message}]", file=sys.stderr),
            **sampling,
        )
        print(prompt, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
    return 0


def sampling_of(args: Arguments) -> "SamplingArguments":
    """Take the settings of the sampler."""
    return {
        "temperature": args.temperature,
        "top_k": args.top_k,
        "top_p": args.top_p,
        "min_p": args.min_p,
        "repetition_penalty": args.repetition_penalty,
    }


def many(args: Arguments) -> int:
    """Continue the prompts of a file. Raises ValueError for what does not go with that."""
    if args.prompt is not None or args.num_samples != 1:
        raise ValueError("--prompts is a file of prompts, and each is continued once: leave out PROMPT, --num-samples.")
    if args.prompts is None or args.out is None:
        raise ValueError("--prompts needs --out FILE, in which each answer is kept as it is written.")
    if args.rows < 1:
        raise ValueError(f"--rows must be at least 1, not {args.rows}.")
    if args.temperature > HOTTEST:
        raise ValueError(f"--temperature with --prompts is at most {HOTTEST}, not {args.temperature}.")

    from nextword.cli.generate_many import generate_many

    usual = {
        **sampling_of(args),
        "max_tokens": args.max_new_tokens,
        "seed": args.seed,
        "stop": [text.replace("\\n", "\n") for text in args.stop] or None,
    }

    def load() -> "tuple[Engine, Tokenizer]":
        """Load the engine, with a row for each text that is written side by side."""
        return chosen_engine(args.model, args.weights, args.device, args.dtype, args.quantize, args.rows, args.engine)

    prompts, out = Path(args.prompts).expanduser(), Path(args.out).expanduser()
    return generate_many(prompts, out, args.part, usual, args.model, load)
