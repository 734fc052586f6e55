"""The questions: all there, all readable, every number right, every citation where it says."""

import itertools
import math
import re
from dataclasses import replace

import pytest
import torch

from nextword.bench.limits import BITS, decode_bytes, training_flops
from nextword.data import Windows
from nextword.errors import NextwordError
from nextword.learn.interview import deck
from nextword.learn.interview.deck import LEVELS, TOPICS, Citation, Question, load_deck
from nextword.model import CONFIGS, GPT, GPTConfig, KVCache, plain
from nextword.tokenizer.bpe import encode
from nextword.tokenizer.vocab import load_tokens

DECK = load_deck()
BY_ID = {question.id: question for question in DECK}
every_question = pytest.mark.parametrize("question", DECK, ids=lambda question: question.id)

SMALL, XL = CONFIGS["gpt2"], CONFIGS["gpt2-xl"]


def cited_source(citation: Citation, around: int = 2) -> tuple[tuple[int, str], ...]:
    """The lines that an answer points at, each with its number: the cited ones, and `around` more on either side.

    Nothing where someone has edited the text away: an answer can be read without it.
    """
    try:
        first = citation.line()
    except NextwordError:
        return ()
    lines = citation.path.read_text(encoding="utf-8").splitlines()
    last = first + citation.text.count("\n")
    numbers = range(max(1, first - around), min(len(lines), last + around) + 1)
    return tuple((number, lines[number - 1]) for number in numbers)


def test_there_are_enough_and_each_has_a_name_of_its_own():
    assert len(DECK) >= 60
    assert len(BY_ID) == len(DECK)
    assert len({question.ask for question in DECK}) == len(DECK)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_questions_of_every_level(topic):
    assert {question.level for question in DECK if question.topic == topic} == set(LEVELS)


def test_no_file_is_left_out():
    assert {file.stem for file in deck.QUESTIONS.iterdir()} == set(TOPICS)


@every_question
def test_a_question_can_be_shown_as_it_is(question: Question):
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", question.id)
    assert re.search(r"[?.]$", question.ask)
    lines = question.answer.splitlines()
    assert 3 <= len(lines) <= 12
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() and "\t" not in line for line in lines)
    assert len(re.findall(r"[.:](?=\s|$)", question.answer)) >= 2, "at least two sentences"


@every_question
def test_every_citation_is_found_once(question: Question):
    assert question.cites
    for cite in question.cites:
        lines = cite.path.read_text(encoding="utf-8").splitlines()
        assert cite.text.splitlines()[0] in lines[cite.line() - 1]
        assert cite.where() == f"{cite.file}:{cite.line()}"
        assert (cite.line(), lines[cite.line() - 1]) in cited_source(cite)


def test_a_citation_shows_the_lines_around_it(tmp_path, monkeypatch):
    monkeypatch.setattr(deck, "PACKAGE", tmp_path)
    (tmp_path / "model.py").write_text("a = 1\nb = 2\nc = 3\nd = 4\n")
    assert cited_source(Citation("model.py", "b = 2"), around=1) == ((1, "a = 1"), (2, "b = 2"), (3, "c = 3"))
    assert cited_source(Citation("model.py", "2\nc"), around=1) == (
        (1, "a = 1"),
        (2, "b = 2"),
        (3, "c = 3"),
        (4, "d = 4"),
    )
    assert cited_source(Citation("model.py", "d = 4"), around=0) == ((4, "d = 4"),)


@pytest.mark.parametrize("source", ["a = 1\n", "b = 2\nb = 2\n", None])
def test_an_edited_source_spoils_no_interview(source, tmp_path, monkeypatch):
    monkeypatch.setattr(deck, "PACKAGE", tmp_path)
    if source is not None:
        (tmp_path / "model.py").write_text(source)
    cite = Citation("model.py", "b = 2")
    with pytest.raises(NextwordError, match=r"should have 'b = 2' once, and has it \d times"):
        cite.line()
    assert cite.where() == "model.py"
    assert cited_source(cite) == ()


@pytest.mark.parametrize("text", [None, "question = 1", "[[question]]\nid = 'a'", "[["])
def test_a_damaged_deck_is_an_error_that_names_the_file(text, tmp_path, monkeypatch):
    monkeypatch.setattr(deck, "QUESTIONS", tmp_path)
    if text is not None:
        (tmp_path / "model.toml").write_text(text)
    with pytest.raises(NextwordError, match=r"model\.toml cannot be read as questions"):
        deck.read_topic("model")


# ---- Arithmetic: every equation that is written out in figures is worked out again ----

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e-?\d+)?"
UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
ITEM = rf"(?:(?:sqrt|exp|ln)?\(|\)|{NUMBER})"
SIDE = rf"(?<![\w.])-?{ITEM}(?:\s*(?:[-+*/]|\^-?)?\s*{ITEM})*(?:\s+(?:{'|'.join(UNITS)})\b)?"
EQUATION = re.compile(rf"{SIDE}(?:\s+=\s+{SIDE})+")


def worked_out(side: str) -> float:
    """A side of an equation, in bytes where it has a unit of memory."""
    *words, unit = [*side.split(), "bytes"] if side.split()[-1] not in UNITS else side.split()
    expression = " ".join(words).replace(",", "").replace("^", "**")
    return eval(expression, {"sqrt": math.sqrt, "exp": math.exp, "ln": math.log}) * UNITS[unit]


def last_digit(side: str) -> float:
    """What one in the last digit of a number is worth; 0 where all its digits are shown."""
    number, unit = re.search(NUMBER, side).group(), side.split()[-1]
    digits, _, exponent = number.partition("e")
    places = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - places) * UNITS.get(unit, 1)


def faults(text: str) -> list[str]:
    """The equations in a text of which one side is not the other, to the digits that are shown."""
    wrong = []
    for equation in EQUATION.findall(text):
        for left, right in itertools.pairwise(equation.split("=")):
            exact, shown = worked_out(left), worked_out(right)
            if abs(exact - shown) > 0.501 * last_digit(right):
                wrong.append(f"{left}= {exact}, not{right}")
    return wrong


@every_question
def test_equations_are_right(question: Question):
    assert not faults(question.answer)


def test_equations_are_found():
    assert sum(len(EQUATION.findall(question.answer)) for question in DECK) >= 120


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("so 12 * 64 = 768, and", 0),
        ("so 12 * 64 = 769, and", 1),
        ("that is sqrt(768) = 27.7 long", 0),
        ("that is sqrt(768) = 27.8 long", 1),
        ("73,728 * 1,024 = 75,497,472 bytes = 72 MiB.", 0),
        ("73,728 * 1,024 = 75,497,472 bytes = 73 MiB.", 1),
        ("1,646,821,376 bytes = 1.53 GiB", 0),
        ("1 + 1 +\n1 = 3", 0),
        ("(1 - 0.9^10) / sqrt(1 - 0.999^10) = 6.53", 0),
        ("0.9 - 1 = -0.1", 0),
        ("0.9 - 1 = -0.2", 1),
        ("859,885,056 * 10^10 = 8.6e18.", 0),
        ("859,885,056 * 10^10 = 8.7e18.", 1),
    ],
)
def test_a_wrong_equation_would_be_noticed(text, wrong):
    assert len(faults(text)) == wrong
    assert EQUATION.search(text)


# ---- Facts: what answers say of our model, worked out from it ----


def says(id: str, *facts: object) -> None:
    """Each of these stands in the answer: a whole number with its commas, anything else as it is."""
    answer = " ".join(BY_ID[id].answer.split())
    for fact in facts:
        text = f"{fact:,}" if isinstance(fact, int) else str(fact)
        assert re.search(rf"(?<![\d,.]){re.escape(text)}(?![\d]|[,.]\d)", answer), f"{id} does not say {text}"


@pytest.fixture(scope="module")
def blueprint() -> GPT:
    """GPT-2 124M without its numbers."""
    with torch.device("meta"):
        return GPT(SMALL)


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters(blueprint: GPT):
    block = blueprint.h[0]
    says("parameters", size(blueprint), size(blueprint.wte), size(blueprint.wpe), size(block), size(blueprint.ln_f))
    says("parameters", size(block.attn.c_attn), size(block.attn.c_proj), size(block.mlp.c_fc), size(block.mlp.c_proj))
    says("mlp", size(block.mlp), size(block.attn), size(block.mlp.c_fc), size(block.mlp.c_proj))
    says("heads", block.attn.c_attn.weight.numel() + block.attn.c_proj.weight.numel())
    says("estimate", XL.n_params, 12 * 48 * 1600**2 + (50257 + 1024) * 1600)
    says("tying", size(blueprint), size(blueprint) + size(blueprint.wte), size(blueprint.wte))
    says("last-norm", size(blueprint.ln_f))
    says("embedding-share", CONFIGS["nano"].n_params, XL.n_params, f"{size(blueprint.wte) / size(blueprint):.3f}")
    says("larger-vocabulary", size(blueprint.wte), f"{size(blueprint.wte) / size(blueprint):.0%}")


def test_parameters_of_a_list_of_blocks(config: GPTConfig):
    shared, hidden = GPT(config), GPT(config)
    shared.h = torch.nn.ModuleList([shared.h[0]] * config.n_layer)
    del hidden.h
    hidden.h = [shared.h[0]] * config.n_layer
    block = size(shared.h[0])
    assert size(shared) == config.n_params - (config.n_layer - 1) * block
    assert size(hidden) == config.n_params - config.n_layer * block
    block = SMALL.n_params - replace(SMALL, n_layer=11).n_params
    says("list-of-blocks", block, SMALL.n_params - 11 * block, SMALL.n_params - 12 * block)


def test_decay(blueprint: GPT):
    one_dimension = sum(p.numel() for p in blueprint.parameters() if p.dim() < 2)
    says("no-decay", one_dimension, size(blueprint) - one_dimension)


def test_parameters_that_could_go(blueprint: GPT):
    norms = [norm for block in blueprint.h for norm in (block.ln_1, block.ln_2)]
    says("folding", sum(size(norm) for norm in norms))
    says("idle-biases", sum(block.attn.c_attn.bias.numel() // 3 for block in blueprint.h))


def test_operations(blueprint: GPT):
    matrices = 2 * sum(p.numel() for p in blueprint.h.parameters() if p.dim() == 2)
    head, attention = 2 * blueprint.wte.weight.numel(), 12 * 2 * 2 * 12 * 1024 * 64
    says("forward-operations", matrices, head, attention, matrices + head + attention)
    says("larger-vocabulary", head, matrices + head + attention)
    says("last-position", head, f"{head / (matrices + head + attention):.3f}")
    per_token = round(training_flops(SMALL, 1024))
    says("backward-twice", 6 * size(blueprint), per_token - 6 * size(blueprint), per_token)
    says("training-time", per_token, f"{per_token * 1e10 / (0.4 * 312e12) / 3600:.1f} hours")
    says("utilisation", per_token, f"{per_token * 1e5 / 312e12:.0%}")
    says("score-memory", 2 * 2 * 12 * 1024 * 1024 * 64)
    says("attention-crossover", 6 * 768, f"{attention / matrices:.3f}", f"{1024 / (6 * XL.n_embd):.3f}")
    says("prefill", matrices // 2, 512 * matrices)


def test_operations_as_counted_by_pytorch():
    """The formulas, against what PyTorch counts in a run: on a model small enough to run."""
    from torch.utils.flop_counter import FlopCounterMode

    c = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
    model, ids = GPT(c, ops=plain), torch.zeros(1, 16, dtype=torch.int64)
    with FlopCounterMode(display=False) as forward:
        logits = model(ids)
    expected = 16 * (2 * 12 * 2 * 12**2 + 2 * 61 * 12 + 2 * 4 * 16 * 12)
    assert forward.get_total_flops() == expected
    with FlopCounterMode(display=False) as backward:
        plain.cross_entropy(logits, ids).backward()
    assert backward.get_total_flops() == 2 * expected


def test_cache_bytes():
    config = replace(SMALL, n_layer=1, n_ctx=1)
    cache = KVCache(config)
    per_token = 12 * sum(tensor.nbytes for tensor in (*cache.memory.keys, *cache.memory.values))
    says("cache-bytes", per_token // 4, per_token, 1024 * per_token, 2 * XL.n_layer * XL.n_embd * 1024 * 4)
    weights = round(decode_bytes(SMALL, "float32", 0))
    says("decode-bound", weights, 1024 * per_token, f"{20e9 / weights:.1f} tokens", f"{1024 * per_token / weights:.0%}")
    says("cache-overtakes", weights, 1024 * per_token, f"{weights / (1024 * per_token):.2f}")
    says("launches", round(decode_bytes(SMALL, "bfloat16", 0)))
    assert decode_bytes(SMALL, "float32", 1024) == weights + 1024 * per_token
    says("quantisation", f"{BITS['int4']} bits")


def test_bytes_of_training(blueprint: GPT):
    says("adamw-bytes", 16 * size(blueprint), 16 * XL.n_params)
    says("logit-bytes", 8 * 1024 * SMALL.n_vocab, 4 * 8 * 1024 * SMALL.n_vocab)
    says("last-position", 4 * SMALL.n_vocab, 4 * 1024 * SMALL.n_vocab)
    says("score-memory", 12 * 1024**2, f"{4 * 12 * 1024**2 // 2**20} MiB", f"{round(4 * size(blueprint) / 2**20)} MiB")
    says("flash", 4 * 12 * 1024, 4 * 12 * 1024**2)


def test_kept_activations():
    """Those of a block, by what autograd itself keeps: 16 C a token, besides weights and attention's weights."""
    C, T = 12, 16
    model = GPT(GPTConfig(n_vocab=61, n_ctx=T, n_embd=C, n_head=3, n_layer=1, dropout=0.0))
    kept: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            kept[place] = max(kept.get(place, 0), tensor.untyped_storage().nbytes() // 4)
            alive.append(tensor)
        return tensor

    alive: list[torch.Tensor] = []
    x = torch.randn(1, T, C, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = model.h[0](x)
    assert y.shape == x.shape
    statistics = 2 * 2 * T + 3 * T  # each LayerNorm's mean and deviation, and attention's number a query and head
    assert sum(kept.values()) - statistics <= 17 * C * T
    assert sum(kept.values()) >= 16 * C * T
    says("activations", 12 * 17 * 768 * 4, 1024 * 12 * 17 * 768 * 4)


def test_first_losses():
    V, deviation = SMALL.n_vocab, 0.02 * math.sqrt(768)
    says("first-loss", f"{math.log(V):.2f} nats", f"{deviation:.4f}", f"{math.log(V) + deviation**2 / 2:.3f}")
    targets = torch.tensor([3])
    zeros = torch.zeros(1, V, dtype=torch.float64)
    best = zeros.index_fill(1, targets, 100.0).softmax(-1)
    says("from-logits", f"{plain.cross_entropy(best, targets):.3f}", f"{plain.cross_entropy(zeros, targets):.3f}")


def test_a_fresh_model_is_as_answers_say():
    torch.manual_seed(0)
    config = replace(SMALL, n_vocab=5000, n_ctx=64, dropout=0.0)
    model = GPT(config).eval()
    ids = torch.randint(5000, (4, 64))
    with torch.no_grad():
        x = model.embed(ids)
        for block in model.h:
            x = block(x)
        logits = model.head(model.ln_f(x))
    assert x.std().item() == pytest.approx(0.29, abs=0.015)
    assert logits.std().item() == pytest.approx(0.554, abs=0.02)
    assert logits.gather(-1, ids.unsqueeze(-1)).mean().item() == pytest.approx(1.06, abs=0.12)
    says("own-token", "0.29", "1.06", "0.554")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("c_proj.weight"):
                parameter.mul_(math.sqrt(24))
        x = model.embed(ids)
        for block in model.h:
            x = block(x)
    assert x.std().item() == pytest.approx(1.5, abs=0.1)
    says("scaled-init", "1.5", "0.3", f"{0.02 / math.sqrt(24):.5f}")


def test_gelu():
    x = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
    tanh, erf = plain.gelu(x), torch.nn.functional.gelu(x)
    says("gelu", f"{(tanh - erf).abs().max():.5f}", f"{tanh.min():.2f}", f"{x[tanh.argmin()]:.2f}")


def test_epsilon():
    x = torch.randn(1, 100_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * math.sqrt(0.0008)
    x = (x - x.mean()) / x.std(correction=0) * math.sqrt(0.0008)
    ones, zeros = torch.ones(100_000, dtype=torch.float64), torch.zeros(100_000, dtype=torch.float64)
    says("epsilon", f"{plain.layer_norm(x, ones, zeros).std(correction=0):.4f}")
    some = x[:, :768]
    says(
        "layer-norm", f"{some.std(correction=0) / some.std():.5f}", f"{x[0, :4].std(correction=0) / x[0, :4].std():.3f}"
    )


def test_idle_biases_are_idle(model: GPT, ids: torch.Tensor):
    """A keys' bias changes nothing, and a values' bias can move into c_proj's."""
    model = model.double()
    before = model(ids)
    plain.cross_entropy(before, ids).backward()
    attn = model.h[0].attn
    queries, keys, _ = attn.c_attn.bias.grad.chunk(3)
    assert keys.abs().max() < 1e-12 < queries.abs().max()
    with torch.no_grad():
        attn.c_attn.bias[12:24] += torch.randn(12)
        moved = torch.randn(12, dtype=torch.float64)
        attn.c_attn.bias[24:] += moved
        attn.c_proj.bias -= attn.c_proj.weight @ moved
    torch.testing.assert_close(model(ids), before)


def test_a_view_in_place_of_a_transpose(config: GPTConfig):
    """What is said of it: with a transpose on the way back the future leaks, with a view nothing does."""

    def attend(x: torch.Tensor, merge_by_view: bool) -> torch.Tensor:
        B, T, C = x.shape
        q = x.reshape(B, 3, T, C // 3)
        y = plain.causal_attention(q, q, q)
        return y.reshape(B, T, C) if merge_by_view else y.transpose(1, 2).reshape(B, T, C)

    x = torch.randn(1, 15, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 10:] += 1.0
    leaked = (attend(x, False) != attend(changed, False))[:, :10].any()
    assert leaked
    assert torch.equal(attend(x, True)[:, :10], attend(changed, True)[:, :10])


def test_attention_by_hand():
    visible = torch.ones(2, 4, dtype=torch.bool).tril(2)
    rows = [" ".join(str(int(seen)) for seen in row) for row in visible.tolist()]
    says("last-queries", *rows)
    says("scale", f"{round(math.exp(8)):,}", f"{math.sqrt(768 / 64):.2f}")
    says("softmax-maximum", f"{math.log(torch.finfo(torch.float32).max):.2f}", f"{math.log(65504):.2f}")


def test_tokens():
    tokens = load_tokens()
    says("vocabulary-size", len(tokens))
    says("leading-space", sum(token.startswith(b" ") for token in tokens), *encode(" the"), "1169")
    assert (encode("the"), encode(" "), encode("My name is ")[-1]) == ([1169], [220], 220)
    for text, n in (("Hello", 1), ("Привет", 7), ("🙂", 2)):
        assert len(encode(text)) == n
        says("bytes", f"{len(text.encode())} bytes and {n} token{'s' if n > 1 else ''}")
    cuts = {"1234": "12 34", "12345": "123 45", "710": "710", "711": "7 11", "2048": "20 48", " 2048": " 2048"}
    for text, cut in cuts.items():
        assert [tokens[id] for id in encode(text)] == (
            [text.encode()] if len(encode(text)) == 1 else cut.encode().split()
        )
        assert len(encode(text)) == (1 if cut == text else 2)
    assert [tokens[id] for id in encode(" transformers")] == [b" transform", b"ers"]
    assert b" transformer" in tokens
    says("end-of-text", " ".join(map(str, encode("<|endoftext|>"))))
    assert (tokens[83], tokens[258], encode("the")) == (b"t", b"he", [1169])
    says("token-type", int(torch.tensor(50256).to(torch.int16)))


def test_windows():
    windows = Windows(torch.arange(1000), 256, 256)
    says("window-count", f"{len(windows)} windows", f"{int(windows[len(windows) - 1][0][0])}")
    assert windows[-1][1][-1] == 999
    assert [int(windows[i][0][0]) for i in range(3)] == [0, 256, 512]


def test_sampling():
    logits = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
    for temperature in (1.0, 0.5, 2.0):
        says("temperature", " ".join(f"{p:.3f}" for p in (logits / temperature).softmax(-1).tolist()))
    sharper = (torch.tensor([0.5, 0.3, 0.2]).log() / 0.5).softmax(-1)
    says("sampling-order", ", ".join(f"{p:.3f}" for p in sharper.tolist()))
    assert sum(range(10, 110)) == 5950
    says("what-to-cache", 5950)


def test_formats_of_numbers():
    below = torch.tensor(0.02).bfloat16()
    above = torch.nextafter(below, torch.tensor(1.0).bfloat16())
    gap = above.double() - below.double()
    says("masters", f"{gap.item():.6f}", f"{gap.item() / 2:.6f}")
    says(
        "masters",
        f"{(torch.nextafter(torch.tensor(0.02), torch.tensor(1.0)) - torch.tensor(0.02)).item():.1e}".replace(
            "e-0", "e-"
        ),
    )
    assert below + torch.tensor(6.0e-5).bfloat16() == below
    assert below + torch.tensor(6.2e-5).bfloat16() == above
    says("bfloat16-float16", f"{int(torch.finfo(torch.float16).max):,}", f"{2.0**-24:.1e}".replace("e-0", "e-"))
    says("ties", "0.125")
    sixteen = torch.tensor(16.0).bfloat16()
    assert torch.nextafter(sixteen, torch.tensor(99.0).bfloat16()) - sixteen == 0.125


def test_losses():
    says("perplexity", f"{math.exp(3):.1f}", f"{(math.exp(2) + math.exp(4)) / 2:.1f}")
    says("weighted-mean", f"{(256 * 3 + 16 * 5) / 272:.3f}")
    says("comparing-perplexities", f"{3.0 / math.log(2) / 4.4:.3f}", f"{3.3 / math.log(2) / 5.0:.3f}")
    logits = torch.tensor([[1.0, 2.0, 0.5]], dtype=torch.float64, requires_grad=True)
    plain.cross_entropy(logits, torch.tensor([1])).backward()
    torch.testing.assert_close(logits.grad, logits.detach().softmax(-1) - torch.tensor([[0.0, 1.0, 0.0]]))
