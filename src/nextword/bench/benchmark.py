"""One benchmark from its beginning to its end."""

import importlib
from collections.abc import Iterable
from pathlib import Path

from nextword.bench.figures import Findings
from nextword.bench.learning import measure_training
from nextword.bench.machine import installed, this_machine
from nextword.bench.starting import measure_cold_starts
from nextword.bench.workload import Workload
from nextword.bench.writing import METER, Say, Setting, measure_writing
from nextword.tokenizer.vocab import Vocabulary

NEXTWORD = "nextword.bench.own:Nextword"
NEXTWORD_TRAINING = "nextword.bench.own:NextwordTraining"

BUFFERS = (1 << 20, 8 << 20, 32 << 20, 128 << 20, 512 << 20)
"""Sizes in bytes whose reading is measured: from what a cache holds to what no cache holds."""


def benchmark(
    workload: Workload,
    model: str,
    scratch: Path,
    say: Say,
    writers: Iterable[str] = (NEXTWORD,),
    trainers: Iterable[str] = (NEXTWORD_TRAINING,),
    threads: int | None = None,
    environment: dict[str, str] | None = None,
) -> Findings:
    """Measure the machine, then the programs on it; say what is being done as it is done.

    model: the weights that all programs get; for others than nextword, a
    directory in Hugging Face's layout with its tokenizer. scratch: a directory
    for their own files. writers and trainers: `module:Class` each; those whose
    packages are not installed are named as absent. threads: for each program;
    as many as there are physical cores unless given. Work that is longer than
    the model's n_ctx is made shorter.
    """
    machine = this_machine()
    threads = threads or machine.cores
    from nextword.loading import open_named

    stored = open_named(model)
    config = stored.config
    workload = workload.within(config.n_ctx)
    setting = Setting(workload, model, config, scratch, text_ids(stored.vocabulary), threads, environment or {}, say)
    findings = Findings(machine, f"{config.n_params:,} parameters", method=method(workload, threads))
    say("the machine itself")
    measure_machine(setting, findings)
    writing = present(writers, findings)
    measure_writing(writing, setting, findings)
    measure_cold_starts(writing, setting, findings)
    measure_training(present(trainers, findings), setting, findings)
    return findings


def measure_machine(setting: Setting, findings: Findings) -> None:
    """Measure the machine's matrix products and its memory bandwidth."""
    with setting.worker(METER) as meter:
        for dtype in ("float32", "bfloat16"):
            rate = meter.call("gemm", dtype, setting.config.n_embd, 1024).value
            findings.rates[f"matrix products in {dtype}"] = [rate]
        for n_bytes in BUFFERS:
            findings.rates[f"reading {n_bytes >> 20} MiB"] = [meter.call("read", n_bytes).value]


def present(specs: Iterable[str], findings: Findings) -> dict[str, str]:
    """Find the installed programs, by name; note the others as absent, and all versions."""
    found = {}
    for spec in specs:
        module, _, name = spec.partition(":")
        target = getattr(importlib.import_module(module), name)
        missing = [package for package in target.needs if installed(package) is None]
        if missing:
            findings.absent[target.name] = f"{' and '.join(missing)} not installed"
            continue
        found[target.name] = spec
        findings.versions |= {package: installed(package) or "" for package in ("nextword", "torch", *target.needs)}
    return found


def text_ids(vocabulary: Vocabulary | None) -> list[int]:
    """Encode the bundled story by the model's tokenizer: real text, as for real weights.

    Where the tokens are characters, those of the story that are none of them are left out.
    """
    from nextword.data import read_corpus
    from nextword.loading import tokenizer_for

    text = read_corpus(("story",)).documents[0]
    if vocabulary is not None and vocabulary.pattern == "chars":
        text = "".join(character for character in text if character.encode() in vocabulary.ids)
    return tokenizer_for(None, vocabulary).encode(text)


def method(workload: Workload, threads: int) -> list[str]:
    """Describe the method of measurement, for the report."""
    threads_in_words = "one thread" if threads == 1 else f"{threads} threads"
    return [
        f"Every program has a process of its own and {threads_in_words}. In each of the rounds ({workload.repeats}) "
        "all of them take turns at the same work; a figure is the median, with the least and the most in brackets.",
        f"Decode: greedy, {workload.new_tokens} tokens after a prompt of {workload.prompt_tokens} (several texts: "
        f"{workload.batch_new_tokens} tokens after prompts of different lengths, {workload.prompt_tokens} on average); "
        "the time for the prompt and the first token is taken off. Prefill: from the prompt to its first new token.",
        "The limit of writing: every weight (bfloat16 16, int8 8, int4 4.5 bits) and all keys and values are read "
        "once a step, at the rate at which PyTorch sums up a buffer of that size; or 2 operations for each weight and "
        "text, where that takes longer. Of a prompt of T tokens: T (2 N' + 4 L T C) + 2 V C operations, N' the blocks' "
        "parameters. Of training: 6 N + 12 L T C operations a token. Operations at the faster of the machine's rates "
        "in float32 and bfloat16 (float32 where that is asked for). Both rates are measured again in every round.",
        "Memory: the most that a process held which was started for this work alone and did it once, with its Python, "
        "libraries and weights.",
    ]
