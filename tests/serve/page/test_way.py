"""The whole way of the last token, as the page shows it, against the model's own numbers."""

import re
from typing import Any

import pytest
import torch
from serve.page.conftest import BEGINNING
from serve.page.playing import until

from nextword.lens import trace
from nextword.model import GPT
from nextword.tokenizer import Tokenizer

IDS = Tokenizer().encode(BEGINNING)


@pytest.fixture
def way(page: Any) -> Any:
    page.locator("#way").scroll_into_view_if_needed()
    until(page, "document.getElementById('way-scores').textContent.includes('score')")
    return page.locator("#way")


def near(said: str) -> object:
    """Three digits are said."""
    return pytest.approx(float(said.replace(",", "")), rel=0.006, abs=0.006)


def test_the_token_its_place_and_the_lengths_of_its_vectors(way: Any, served_model: GPT) -> None:
    assert f"is token {IDS[-1]} of 50,257, and stands at place {len(IDS) - 1}." in way.text_content()
    lengths = way.locator(".way-length").all_text_contents()
    lengths = [one for one in lengths if one != "length"]
    traced = trace(served_model, IDS)
    what, where = served_model.wte.weight[IDS[-1]], served_model.wpe.weight[len(IDS) - 1]
    vectors = [what, where, *(traced.stream(layer)[0, -1] for layer in range(4))]
    assert [vector.norm().item() for vector in vectors] == [near(said) for said in lengths]


def test_what_each_layer_adds(way: Any, served_model: GPT) -> None:
    traced = trace(served_model, IDS)
    rows = way.locator("#way-layers .added")
    assert rows.count() == 3
    for layer in range(3):
        said = re.fullmatch(r"attention adds (\S+), the MLP (\S+)", rows.nth(layer).get_attribute("aria-label"))
        assert said is not None
        assert traced[f"h.{layer}.attn.out"][0, -1].norm().item() == near(said[1])
        assert traced[f"h.{layer}.mlp.out"][0, -1].norm().item() == near(said[2])


def test_a_strip_has_a_pixel_for_each_number(page: Any, way: Any, served_model: GPT) -> None:
    strips = page.evaluate(
        """[...document.querySelectorAll("#way canvas")].map((strip) =>
            [...strip.getContext("2d").getImageData(0, 0, strip.width, 1).data])"""
    )
    assert len(strips) == 6
    for strip, vector in (
        (strips[0], served_model.wte.weight[IDS[-1]]),
        (strips[5], trace(served_model, IDS).stream(3)[0, -1]),
    ):
        red, green = torch.tensor(strip).view(-1, 4)[:, :2].T
        clear = vector.abs() > vector.square().mean().sqrt() / 2
        assert (green > red)[clear & (vector > 0)].all()
        assert (green < red)[clear & (vector < 0)].all()


def test_the_scores_are_those_of_the_likeliest(page: Any, way: Any, served_model: GPT) -> None:
    with torch.no_grad():
        logits = served_model(torch.tensor([IDS]))[0, -1]
    said = [float(one.split("score ")[1].split(",")[0].replace("−", "-")) for one in texts(page)]
    assert said == pytest.approx(logits.topk(3).values.tolist(), abs=0.006)
    page.locator(".candidate").first.click()
    page.locator("#way").scroll_into_view_if_needed()  # out of sight it does not follow
    until(page, f"document.getElementById('way-token').textContent.includes('stands at place {len(IDS)}.')")


def texts(page: Any) -> list[str]:
    return page.locator("#way-scores li").all_text_contents()
