"""What the README's tour says of each file, where it runs, is so: seen by watching which functions are called."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.weights import save_huggingface

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \d+ \| \[(\S+)\]\(src/nextword/\S+\) \| \d+ \| ([^|]+) \|", README, re.MULTILINE)
FIRST_EVENING = re.findall(r"^\| \d+ \| \[(\S+)\]", README.partition("And another evening")[0], re.MULTILINE)
WAYS = {"plain", "torch", "native", "train"}

WATCHED = """
import functools, gc, json, sys, threading
from pathlib import Path
import matplotlib.figure, rich.console, safetensors.torch, tiktoken, torch, tyro  # watched, it takes twice as long
import nextword
from nextword.cli.main import run

ROOT = str(Path(nextword.__file__).parent) + "/"
called = {}

def watch(frame, event, argument):  # and not what goes on in a function: it returns None
    code = frame.f_code
    if code.co_filename.startswith(ROOT):
        called.setdefault(way, {}).setdefault(code.co_filename.removeprefix(ROOT), set()).add(code.co_qualname)

def go(*arguments):
    threading.settrace(watch), sys.settrace(watch)
    assert run([str(argument) for argument in arguments]) == 0, arguments
    sys.settrace(None), threading.settrace(None)

def one_prompt_continued_twice(model):
    from nextword.decode import Sampling
    from nextword.loading import load_engine
    engine, _ = load_engine(model, n_rows=2, engine=way)
    sys.settrace(watch)
    engine.read(0, [1, 2])
    engine.advance([0])
    engine.copy(0, [1])  # as the server does
    sys.settrace(None)

model, text, out, *ways = sys.argv[1:]
for way in ways:
    for kept in (kept for kept in gc.get_objects() if isinstance(kept, functools._lru_cache_wrapper)):
        kept.cache_clear()  # what one way keeps is not called in the next
    if way == "train":
        size = "--n-layer 1 --n-head 1 --n-embd 16".split()
        settings = "--window 16 --batch-size 2 --eval-every 2 --save-every 2 --device cpu --dtype bfloat16".split()
        go("train", "--data", text, *size, "--out", f"{out}/run", "--steps", 3, *settings)
        continue
    flags = ("--model", model, "--engine", way, "--device", "cpu")
    go("generate", "One day \U0001f642<|endoftext|>", *flags, "--max-new-tokens", 40, "--top-p", 0.9, "--seed", 1)
    go("generate", "One day", *flags, "--max-new-tokens", 2, "--temperature", 0)
    if way != "native":
        go("trace", "One day", *flags)
    one_prompt_continued_twice(model)
Path(out, "called.json").write_text(json.dumps(called, default=sorted))
"""


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """Way -> file -> the functions that were called, in a process in which nothing was called or kept before."""
    folder = tmp_path_factory.mktemp("tour")
    torch.manual_seed(0)
    save_huggingface(GPT(GPTConfig(n_ctx=32, n_embd=16, n_head=2, n_layer=2)), folder / "model")
    (folder / "text.txt").write_text("one two three four five six seven. " * 100)
    ways = sorted(WAYS if library() is not None else WAYS - {"native"})
    command = [sys.executable, "-c", WATCHED, folder / "model", folder / "text.txt", folder, *ways]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, list[str]]] = json.loads((folder / "called.json").read_text())
    return found


def functions(file: str) -> set[str]:
    """The functions of a file by their qualified names; those of a Protocol are not there to be called."""

    def within(node: ast.AST, prefix: str) -> set[str]:
        found = set()
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.FunctionDef):
                found |= {prefix + inner.name} | within(inner, f"{prefix}{inner.name}.<locals>.")
            elif isinstance(inner, ast.ClassDef):
                is_protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in inner.bases)
                found |= set() if is_protocol else within(inner, f"{prefix}{inner.name}.")
            else:
                found |= within(inner, prefix)
        return found

    source = (PROJECT / "src" / "nextword" / file).read_text(encoding="utf-8")
    return within(ast.parse(source), "")


def test_every_file_of_the_tour_says_where_it_runs() -> None:
    assert {file for file, _ in ROWS} >= set(FIRST_EVENING)
    for file, runs_in in ROWS:
        ways = runs_in.partition(", but for")[0].split(", ")
        assert ways, file
        assert set(ways) <= WAYS, file


@pytest.mark.parametrize("file", [file for file, _ in ROWS if file.endswith(".py")])
def test_a_file_of_the_tour_runs_where_it_says(called: dict[str, dict[str, list[str]]], file: str) -> None:
    ways, _, but = dict(ROWS)[file].partition(", but for ")
    missed = {way: functions(file).difference(found.get(file, [])) for way, found in called.items()}
    for way in called.keys() & ways.split(", "):
        assert missed[way] < functions(file), f"nothing of it is called in {way}"
    if file in FIRST_EVENING and "plain" in ways:
        named = set(re.findall(r"`(\S+?)`", but))
        assert {function.rpartition(".")[2] for function in missed["plain"]} == named, "these are not called in plain"
