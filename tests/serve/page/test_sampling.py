"""What the sliders compute, in the browser, is what `nextword.decode.choose` computes."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from chances import probabilities

from nextword.decode.choose import choose
from nextword.decode.random_numbers import random_numbers
from nextword.decode.sampling import Sampling


def cases() -> list[dict[str, object]]:
    """Rows of logits under every mixture of settings, and what Python makes of them."""
    generator = torch.Generator().manual_seed(0)
    rows = {
        "random": torch.randn(40, generator=generator) * 3,
        "flat": torch.zeros(7),
        "ties": torch.tensor([1.0, 2.0, 2.0, 0.5, 2.0, -1.0]),
        "sure": torch.tensor([-90.0, 110.0, 3.0, 4.0]),
        "one": torch.tensor([0.3]),
    }
    numbers = torch.rand(5, generator=generator, dtype=torch.float64)
    found = []
    for (name, logits), temperature, k, p in product(
        rows.items(), (0.0, 0.05, 0.8, 1.0, 2.0), (None, 1, 3, 1000), (0.1, 0.62, 1.0)
    ):
        sampling = Sampling(temperature, k, p)
        many = logits.expand(len(numbers), -1)
        found.append(
            {
                "name": f"{name}, temperature {temperature}, top-k {k}, top-p {p}",
                "logits": logits.tolist(),
                "settings": {"temperature": temperature, "topK": k, "topP": p},
                "chances": probabilities(sampling, logits[None])[0].tolist(),
                "numbers": numbers.tolist(),
                "ids": choose(sampling, many, numbers).tolist(),
            }
        )
    return found


@pytest.fixture
def sampling(page: Any) -> Callable[..., Any]:
    """Call a function of sampling.js in the browser: its logits arrive there as they do from the server."""

    def call(what: str, given: object = None) -> Any:
        return page.evaluate(
            """async ([what, given]) => {
                const sampling = await import("/sampling.js");
                return CASES[what](sampling, given);
            }""".replace("CASES", f"({CALLS})"),
            [what, given],
        )

    return call


CALLS = """{
    compute: ({ probabilities, choose }, cases) => cases.map(({ logits, settings, numbers }) => {
        const chances = probabilities(Float32Array.from(logits), settings);
        const inOrderOfIds = logits.map((_, id) => id);
        return { chances: [...chances], ids: numbers.map((number) => choose(chances, number, inOrderOfIds)) };
    }),
    rank: ({ rank }, logits) => [...rank(Float32Array.from(logits))],
    barred: ({ barred }, cases) => cases.map((one) => barred(...one)),
    draw: ({ draw, rank }, [chances, numbers]) => {
        const order = [...rank(Float32Array.from(chances))];
        return numbers.map((number) => draw(Float64Array.from(chances), number, order));
    },
    numbers: ({ numberAt }, asked) => asked.map(([seed, place]) => numberAt(BigInt(seed), place)),
    choose: ({ choose }, chances) => choose(Float64Array.from(chances), 1 - 2 ** -53, chances.map((_, id) => id)),
}"""


def test_the_page_computes_what_python_computes(sampling: Callable[..., Any]) -> None:
    asked = cases()
    assert len(asked) == 300
    for case, found in zip(asked, sampling("compute", asked), strict=True):
        ours, right = np.array(found["chances"]), np.array(case["chances"])
        # What one of them forbids the other has to forbid as well. Python's are float32, which ends at 1e-45.
        np.testing.assert_array_equal(ours.astype(np.float32) == 0, right == 0, err_msg=str(case["name"]))
        assert (np.abs(ours - right) <= 2e-7 * np.maximum(right, 1e-3)).all(), case["name"]
        assert found["ids"] == case["ids"], case["name"]


def test_ranks_put_the_lower_id_first_among_equals(sampling: Callable[..., Any]) -> None:
    assert sampling("rank", [1, 3, 3, -2, 3]) == [1, 2, 4, 0, 3]


def test_why_a_token_cannot_be_drawn(sampling: Callable[..., Any]) -> None:
    asked = [
        (0, 0.5, {"temperature": 1, "topK": 1}),
        (1, 0, {"temperature": 1, "topK": 1}),
        (1, 0, {"temperature": 1, "topK": 5}),
        (1, 0, {"temperature": 1, "topK": None}),
        (1, 0, {"temperature": 0, "topK": 5}),
    ]
    assert sampling("barred", asked) == [None, "top-k", "top-p", "top-p", "temperature"]


def test_the_largest_number_there_is_falls_on_a_token_that_can_be_drawn(sampling: Callable[..., Any]) -> None:
    assert sampling("choose", [0.3, 0.7, 0]) == 1


def test_the_numbers_are_those_of_python(sampling: Callable[..., Any]) -> None:
    asked = [(seed, place) for seed in (0, 1, 7, 2**53 + 1, 2**64 - 1) for place in (1, 2, 3, 4, 5, 8, 1023)]
    right = [random_numbers(seed, 0, place).random() for seed, place in asked]
    assert sampling("numbers", [(str(seed), place) for seed, place in asked]) == right


def test_a_number_is_shown_where_its_token_lies(sampling: Callable[..., Any]) -> None:
    """Python lays the chances in the order of ids, 0.1 0.6 0.3, and the page the likeliest first, 0.6 0.3 0.1."""
    found = sampling("draw", [[0.1, 0.6, 0.3], [0.05, 0.1, 0.4, 0.75, 0.999]])
    assert [one["id"] for one in found] == [0, 1, 1, 2, 2]
    assert [one["number"] for one in found] == pytest.approx([0.95, 0.0, 0.3, 0.65, 0.899])
