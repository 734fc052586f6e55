"""Train the small model that comes with nextword, in whose heads there is something to see: `python -m docs.heads`.

It reads text that is made here by dice: stories about people whose names it never read before, and rows of tokens that
come twice. What comes next is then often to be had only by looking back, which is what its heads learn. It reads
nothing else, so its text and its weights are in the public domain (CC0).
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nextword.decode import generate
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer
from nextword.tokenizer.vocab import N_VOCAB
from nextword.train.plain import learning_rate
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_tensors
from nextword.weights.bundled import KNOWN, WTE
from nextword.weights.huggingface_config import CONFIG, WEIGHTS, config_values
from nextword.weights.names import tensor_names

SHAPE = {"n_ctx": 128, "n_embd": 96, "n_head": 3, "n_layer": 3, "dropout": 0.0}
COMMONEST = 1500  # GPT-2's ids are in the order in which its merges were found, so that the first are the commonest
STEPS, SEED = 600, 1
BATCH_SIZE, LR, WARM_UP = 6, 2e-3, 20
STRENGTH = 1.5  # of the head that looks at the token before, at first
GAIN = 2.5  # of those that look for a copy, at first
LOOKED_AT = (
    "Mr Alder met Mrs Quillfeather at the bridge. Mrs Quillfeather gave Mr Alder a lamp, and Mr Alder thanked Mrs"
)
PROMPT = "Lady Penrow met Uncle Bartog at the station. Uncle Bartog"

WORDS = {
    "title": "Mr Mrs Miss Dr Sir Lady Captain Old Young Uncle Aunt",
    "place": "station garden market harbour kitchen window road mill church ferry bridge river school shop hotel farm",
    "thing": "lamp letter basket lantern kettle loaf coat hat bell horse dog cat bird stone piano key map box book",
    "colour": "red green blue black white grey small large old new heavy quiet broken golden",
    "time": "morning evening winter summer Monday Thursday Sunday night year week",
    "verb": "found lost sold bought carried painted hid mended broke borrowed forgot kept",
    "feeling": "glad sorry tired angry late early hungry cold happy afraid",
}
SENTENCES = (
    "{b} gave {a} a {colour} {thing}.",
    "{b} gave {a} a {thing}.",
    "{b} gave {a} a {thing}, and {a} thanked {b}.",
    "{a} {verb} the {thing} near the {place}.",
    "It was {colour}, and {b} was {feeling}.",
    "In the {time} {a} went to the {place} with the {thing}.",
    "“Where is the {thing}?” said {b}.",
    "“It is at the {place},” said {a}.",
    "{b} {verb} it, and {a} was {feeling}.",
    "All {time} {a} talked of {b}.",
    "{a} and {b} were {feeling}.",
    "Nobody at the {place} knew {a}, but all of them knew {b}.",
    "Then {b} asked {a} for the {thing}.",
    "{a} wrote to {b} that the {thing} was {colour}.",
    "When {a} came to the {place}, {b} was not there.",
    "The {thing} of {b} was {colour}.",
    "“{b} is {feeling},” said {a}.",
)


class Stories:
    """Stories by dice: the same ones for the same dice."""

    def __init__(self, dice: random.Random, tokenizer: Tokenizer):
        self._dice = dice
        pieces = [tokenizer.decode([id]) for id in range(COMMONEST)]
        letters = [piece for piece in pieces if piece.strip().isascii() and piece.strip().isalpha()]
        self._starts = [piece[1:] for piece in letters if piece[0] == " " and piece.istitle()]
        self._ends = [piece for piece in letters if piece.islower() and piece[0] != " " and len(piece) > 1]

    def name(self) -> str:
        """Someone who was never heard of: a title, and two to four pieces of words."""
        ends = (self._dice.choice(self._ends) for _ in range(self._dice.randint(1, 3)))
        return f"{self._pick('title')} {self._dice.choice(self._starts)}{''.join(ends)}"

    def story(self) -> str:
        """Two people and a thing, in some sentences."""
        people = [self.name(), self.name()]
        thing, place = self._pick("thing"), self._pick("place")
        said = [f"{people[0]} met {people[1]} at the {place}."]
        for _ in range(self._dice.randint(3, 7)):
            a, b = self._dice.sample(people, 2)
            words = {kind: self._pick(kind) for kind in ("colour", "time", "verb", "feeling")}
            said.append(self._dice.choice(SENTENCES).format(a=a, b=b, thing=thing, place=place, **words))
            if self._dice.random() < 0.2:
                place = self._pick("place")
        return " ".join(said) + "\n\n"

    def _pick(self, kind: str) -> str:
        return self._dice.choice(WORDS[kind].split())


def known_ids(tokenizer: Tokenizer) -> list[int]:
    """The ids that are read: the commonest, and those that the sentences are made of. All others share one row."""
    words = " ".join([*SENTENCES, *WORDS.values()]).split()
    lines = [*words, LOOKED_AT, PROMPT, "\n\n"]
    used = {id for line in lines for text in (line, f" {line}") for id in tokenizer.encode(text)}
    return sorted({*range(COMMONEST), *used})


def batches(tokenizer: Tokenizer, row_of: dict[int, int], seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows of rows of the table, (B, T + 1), and which of their tokens are to be foretold, (B, T).

    Every second one is of stories. The others are tokens at random that come
    again until the window is full: of those only what came before is asked.
    """
    dice, T = random.Random(seed), SHAPE["n_ctx"]
    stories, rest = Stories(dice, tokenizer), list[int]()
    while True:
        windows, asked = [], []
        for n in range(BATCH_SIZE):
            if n % 2:
                period = dice.randint(3, 48)
                once = dice.sample(range(len(row_of)), period)
                windows.append((once * (T // period + 2))[: T + 1])
                asked.append([place > period for place in range(1, T + 1)])
            else:
                while len(rest) < T + 1:
                    rest += [row_of.get(id, len(row_of)) for id in tokenizer.encode(stories.story())]
                windows.append(rest[: T + 1])
                del rest[:T]
                asked.append([True] * T)
        yield torch.tensor(windows), torch.tensor(asked)


@torch.no_grad()
def draw(model: GPT) -> None:
    """Draw the weights of a narrow model: GPT-2's 0.02 are for 768 numbers a token, and would be next to nothing here.

    Three heads do not begin at random, since in minutes and on so little text
    they would hardly be found by chance. One in layer 0 looks at the token
    before: places begin as waves (Vaswani et al. 2017, 3.5), and its query is
    the place turned back by one. Two in layer 1 look for a token that comes
    after a copy of theirs, and say it (Olsson et al. 2022). All of this is then
    learned on, and all else is learned from nothing.
    """
    C, D = model.config.n_embd, model.config.n_embd // model.config.n_head
    for weight in model.parameters():
        if weight.ndim == 2:
            weight.normal_(std=weight.size(1) ** -0.5)
    for block in model.h:
        for projection in (block.attn.c_proj, block.mlp.c_proj):
            projection.weight *= 0.15  # so that what the three say is heard

    # The first D numbers of a token say where it stands, the others what it is.
    turns = 2.5 / 64 ** (torch.arange(0, D, 2) / D)  # of each wave from one place to the next
    angles = torch.arange(model.config.n_ctx)[:, None] * turns
    model.wpe.weight.zero_()
    model.wpe.weight[:, :D] = torch.cat([angles.sin(), angles.cos()], -1) * (2 / D) ** 0.5
    model.wte.weight[:, :D] *= 0.3

    before, after = model.h[0].attn, model.h[1].attn
    read, write = (torch.linalg.qr(torch.randn(C, D))[0] for _ in range(2))  # (C, D) each
    read[:D] = 0
    query, key, value = before.c_attn.weight.view(3, -1, D, C)[:, 0]
    half = torch.arange(D // 2)
    query.zero_()
    query[half, half] = query[half + D // 2, half + D // 2] = STRENGTH * turns.cos()
    query[half, half + D // 2] = -STRENGTH * turns.sin()
    query[half + D // 2, half] = STRENGTH * turns.sin()
    key.copy_(STRENGTH * torch.eye(D, C))
    value.copy_(0.25 * read.T)
    before.c_proj.weight[:, :D] = write
    said = torch.linalg.qr(torch.randn(C, 2 * D))[0].split(D, -1)  # what each of the two says of a token: (C, D) each
    for head in range(2):
        query, key, value = after.c_attn.weight.view(3, -1, D, C)[:, head]
        query.copy_(GAIN * read.T)
        key.copy_(GAIN * write.T)
        value.copy_(0.5 * said[head].T)
        after.c_proj.weight[:, head * D : (head + 1) * D] = said[head]


def whole(model: GPT, known: list[int]) -> GPT:
    """The same model with a row for each of GPT-2's tokens: all but the known ones have its last one."""
    rows = torch.full((N_VOCAB,), len(known))
    rows[known] = torch.arange(len(known))
    large = GPT(GPTConfig(n_vocab=N_VOCAB, **SHAPE)).eval()
    state = model.state_dict()
    large.load_state_dict({**state, WTE: state[WTE][rows]})
    return large


def save(model: GPT, known: list[int], directory: Path) -> None:
    """Save the weights in float16, with the rows of the known tokens and one for all others."""
    config = config_values(GPTConfig(n_vocab=N_VOCAB, **SHAPE))
    (directory / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    parameters = dict(model.named_parameters())
    tensors = {KNOWN: torch.tensor(known, dtype=torch.float32)}
    for name in tensor_names(model.config.n_layer):
        values = parameters[name.ours].detach()
        tensors[name.ours] = (values.T if name.in_out else values).to(torch.float16).contiguous()
    save_tensors(tensors, directory / WEIGHTS)
    (directory / WEIGHTS).chmod(0o644)


def look(run: RunDirectory, step: int, model: GPT, tokenizer: Tokenizer) -> None:
    """Keep where the heads look after so many steps, and what the model writes."""
    run.attention.add(step, model, torch.tensor(tokenizer.encode(LOOKED_AT)))
    text = generate(model, tokenizer, PROMPT, max_new_tokens=40, temperature=0.8, top_k=40, seed=SEED)
    run.add_sample(step, PROMPT, text.removeprefix(PROMPT))


def train(out: Path, steps: int) -> None:
    """Train, and leave a run's directory behind."""
    torch.set_num_threads(1)  # the same numbers on every machine with the same PyTorch and processor
    torch.manual_seed(SEED)
    tokenizer = Tokenizer()
    known = known_ids(tokenizer)
    model = GPT(GPTConfig(n_vocab=len(known) + 1, **SHAPE))
    draw(model)
    # The last row stands for many tokens, all alike: together they are so many times as likely as one of them.
    alike = torch.zeros(len(known) + 1)
    alike[-1] = math.log(N_VOCAB - len(known))
    tokens = BATCH_SIZE * SHAPE["n_ctx"]
    data = {"name": "heads", "train_tokens": steps * tokens}
    run = RunDirectory.create(out, {"config": {"seed": SEED, "init": None}, "data": data}, overwrite=True)
    looks = {0, *(round(steps * share**2) for share in torch.linspace(0.1, 1, 11).tolist())}
    look(run, 0, whole(model, known), tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, 0.98), weight_decay=0.01)
    began = time.monotonic()
    for step, (windows, asked) in enumerate(batches(tokenizer, {id: n for n, id in enumerate(known)}, SEED), 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step - 1, steps, WARM_UP, LR)
        logits = model(windows[:, :-1]) + alike
        loss = cross_entropy(logits[asked], windows[:, 1:][asked])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0 or step == steps:
            run.log(step=step, tokens=step * tokens, train_loss=round(loss.item(), 4), val_loss=None)
            print(f"step {step} of {steps}   loss {loss.item():.3f}   {time.monotonic() - began:.0f} s", flush=True)
        if step in looks:
            look(run, step, whole(model, known), tokenizer)
        if step == steps:
            break
    save(model, known, out)
    run.release()
    (out / ".lock").unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/heads"), help="where the run is kept")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    train(arguments.out, arguments.steps)
