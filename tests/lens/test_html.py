"""What the lens shows in a notebook: HTML that is well formed, self-contained, escaped and small."""

from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from nextword import lens
from nextword.lens import Axis, Labelled
from nextword.lens.html import MOST
from nextword.lens.view import view
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

EVIL = "<img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "br", "img"}
TAGS = {*["style", "div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "span", "details", "summary"]}


class Reader(HTMLParser):
    """Read HTML: which tags there are, which attributes, and what is written; all that is opened must be closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def read(shown: object) -> Reader:
    """Read what something shows in a notebook, which must hold nothing that is fetched or run."""
    text = shown._repr_html_()  # type: ignore[attr-defined]
    found = Reader(text)
    assert {tag for tag, _ in found.tags} <= TAGS
    assert {name for _, attributes in found.tags for name in attributes} <= {"class", "style", "title"}
    assert "url(" not in text
    assert "@import" not in text
    assert len(text) < 150_000
    return found


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=64, n_embd=16, n_head=2, n_layer=2)).eval()


IDS = Tokenizer().encode("The piano came down to the ferry")


@pytest.mark.parametrize("shape", [(), (5,), (90,), (4, 6), (120, 130), (2, 3, 4, 5), (1, 4, 4), (0,), (0, 3)])
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_every_shape_shows_itself(shape: tuple[int, ...], low: float) -> None:
    values = np.linspace(low, 1.0, int(np.prod(shape))).reshape(shape)
    axes = tuple(Axis(f"axis {n}", [f"{n}{i}" for i in range(size)]) for n, size in enumerate(shape))
    assert "a title" in read(Labelled(values, axes, "a title", "units")).text


@pytest.mark.parametrize("name", ["token", "part"])
def test_whatever_a_label_says_is_shown_and_not_obeyed(name: str) -> None:
    one = Labelled(np.array([1.0, np.nan, -2.0]), (Axis(name, [EVIL, "b", "c"]),), EVIL, EVIL)
    assert EVIL in read(one).text
    words = np.array([[EVIL, "b"]], dtype=object)
    two = Labelled(np.array([[0.5, 0.0]]), (Axis(EVIL, [EVIL]), Axis(EVIL, [EVIL, "b"])), EVIL, EVIL, words)
    assert read(two).text.count(EVIL) >= 5


def test_of_a_large_array_the_last_places_are_shown_and_it_says_so() -> None:
    labels = [f"t{i}" for i in range(200)]
    found = read(Labelled(np.eye(200), (Axis("who", labels), Axis("whom", labels)), "attention"))
    assert found.count("td") == MOST * MOST
    assert "t199" in found.text
    assert "t100" not in found.text
    assert f"Of 200 places on the axis “who” the last {MOST} are shown" in found.text


def test_attention_is_a_table_with_a_shade_for_each_weight(model: GPT) -> None:
    found = read(lens.trace(model, IDS).attention(1, 0))
    assert found.count("td") == len(IDS) ** 2
    shades = [attributes.get("style") for tag, attributes in found.tags if tag == "td"]
    assert sum(shade is None for shade in shades) == len(IDS) * (len(IDS) - 1) // 2, "nobody looks ahead"
    assert "attention of layer 1, head 0" in found.text


def test_the_logit_lens_has_a_row_for_each_layer_and_its_words(model: GPT) -> None:
    found = read(lens.logit_lens(model, IDS))
    assert found.count("td") == 3 * len(IDS)
    assert " ferry" in found.text
    assert "h.1" in found.text


def test_surprise_is_the_text_in_colours(model: GPT) -> None:
    array = lens.surprise(model, IDS)
    found = read(array)
    assert "The piano came down to the" in found.text
    titles = [attributes["title"] for tag, attributes in found.tags if tag == "span"]
    assert titles == ["", *(f"{nats:.3g} nats" for nats in array.values[1:])]


def test_all_that_the_lens_gives_shows_itself(model: GPT) -> None:
    assert "embed" in read(lens.direct_logit_attribution(model, IDS, token=262)).text
    assert "before" in read(lens.ablate(model, IDS, heads=[(0, 1)])).text
    assert "neuron 3 of layer 1" in read(lens.neuron(model, IDS, 1, 3)).text
    assert "neuron 3 of layer 1" in read(lens.neuron_words(model, 1, 3)).text
    assert "neurons of layer 0" in read(lens.top_neurons(model, IDS, 0)).text
    assert "comes: “" in read(view(model, IDS)).text
    assert "logits" in read(lens.trace(model, IDS).labelled("logits")).text


def test_a_trace_shows_what_may_be_asked_for_and_computes_nothing(model: GPT) -> None:
    traced = lens.trace(model, [IDS, IDS])
    found = read(traced)
    assert not traced._made
    assert f"A trace of {len(IDS)} tokens through 2 blocks, 2 texts side by side" in found.text
    assert "h.0 … h.1.attn.weights(text, head, query, key)how much each token takes from each" in found.text
