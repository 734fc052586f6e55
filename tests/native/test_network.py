from collections.abc import Callable

import numpy as np
import pytest
import torch
from conftest import randomize
from reference import theirs

from nextword.model import GPT, GPTConfig
from nextword.native import Network, library
from nextword.native.packing import BF16, GROUP, INT4, INT8, PACKED, PANEL, Packed, pack

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")

Tensors = dict[str, np.ndarray]

SHAPES = [
    GPTConfig(n_vocab=61, n_ctx=24, n_embd=12, n_head=3, n_layer=2, dropout=0.0),  # nothing is a multiple of anything
    GPTConfig(n_vocab=130, n_ctx=96, n_embd=64, n_head=1, n_layer=2, dropout=0.0),  # heads as wide as GPT-2's
    GPTConfig(n_vocab=257, n_ctx=40, n_embd=80, n_head=5, n_layer=1, dropout=0.0),
]


def unpack(matrix: Packed) -> np.ndarray:
    """The numbers (out, in) that a packed matrix stands for: the reference for what is computed with it."""
    bits, shifts = ((16, (0, 16)), (8, (0, 8, 16, 24)), (4, (0, 8, 16, 24, 4, 12, 20, 28)))[matrix.format - BF16]
    down = np.array(shifts, np.uint32)[:, None]
    fields = matrix.values[:, :, None] >> down & np.uint32(2**bits - 1)  # (panels, words, per word, PANEL)
    q = fields.reshape(len(fields), -1, PANEL)  # (panels, in, PANEL)
    if matrix.format == BF16:
        weights = (q << np.uint32(16)).view(np.float32)
    elif matrix.format == INT8:
        weights = (q.astype(np.float32) - 128) * matrix.scales.view(np.float32)
    else:
        step = (matrix.scales & np.uint32(0xFFFF0000)).view(np.float32)
        least = (matrix.scales << np.uint32(16)).view(np.float32)
        weights = least.repeat(GROUP, axis=1) + step.repeat(GROUP, axis=1) * q
    return weights.transpose(0, 2, 1).reshape(-1, q.shape[1])[: matrix.n_out, : matrix.n_in].astype(np.float32)


def a_model(config: GPTConfig) -> GPT:
    model = GPT(config).eval()
    randomize(model)
    return model


def as_in_modules(model: GPT) -> Tensors:
    return {name: p.detach().numpy() for name, p in model.named_parameters()}


def as_in_files(model: GPT) -> Tensors:
    """The projections (in, out) in memory, as Hugging Face's and OpenAI's files have them."""
    return {name: np.ascontiguousarray(p.T).T if ".c_" in name else p for name, p in as_in_modules(model).items()}


def rounded(model: GPT, format: str) -> GPT:
    """The model with the numbers that its packed matrices stand for; embeddings are looked up in float32."""
    other = a_model(model.config)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if ".c_" in name and name.endswith("weight"):
                parameter.copy_(torch.from_numpy(unpack(pack(parameter.detach().numpy(), PACKED[format]))))
    head = torch.from_numpy(unpack(pack(model.wte.weight.detach().numpy(), PACKED[format])))
    other.head = lambda x: x @ head.T  # type: ignore[method-assign]
    return other


def all_logits(network: Network, ids: list[int]) -> np.ndarray:
    """A text read in one pass: (T, V)."""
    return network.forward(network.memory(1), ids, [0] * len(ids), range(len(ids)), range(len(ids)))


@pytest.mark.parametrize("config", SHAPES, ids=str)
@pytest.mark.parametrize("layout", [as_in_modules, as_in_files])
def test_float32_computes_what_transformers_does(config: GPTConfig, layout: Callable[[GPT], Tensors]) -> None:
    model = a_model(config)
    ids = np.random.default_rng(0).integers(config.n_vocab, size=config.n_ctx).tolist()
    with torch.no_grad():
        expected = theirs(model)(torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(all_logits(Network(config, layout(model)), ids), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", SHAPES, ids=str)
@pytest.mark.parametrize("format", ["bfloat16", "int8", "int4"])
@pytest.mark.parametrize("T", [1, 3, 24], ids="T={}".format)  # from 16 rows on another kernel is used
def test_packed_matrices_compute_what_their_numbers_say(config: GPTConfig, format: str, T: int) -> None:
    model = a_model(config)
    ids = np.random.default_rng(0).integers(config.n_vocab, size=T).tolist()
    with torch.no_grad():
        expected = rounded(model, format)(torch.tensor([ids]))[0].numpy()
    actual = all_logits(Network(config, as_in_files(model), format), ids)
    # x, keys and values are rounded to bfloat16's 8 bits; the numbers in between grow with the weights.
    scale = np.abs(expected).max()
    assert np.abs(actual - expected).max() < 0.1 * scale
    assert np.sqrt(((actual - expected) ** 2).mean()) < 0.01 * scale


@pytest.mark.parametrize("format", ["float32", *PACKED])
def test_rows_of_different_lengths_do_not_see_each_other(format: str) -> None:
    config = SHAPES[0]
    network = Network(config, as_in_modules(a_model(config)), format)
    rng = np.random.default_rng(0)
    texts = [rng.integers(61, size=length).tolist() for length in (5, 1, 17, 9)]
    memory = network.memory(4)
    for row, text in enumerate(texts):
        network.forward(memory, text[:-1], [row] * (len(text) - 1), range(len(text) - 1), [])
    rows = [2, 0, 3, 1]
    together = network.forward(memory, [texts[r][-1] for r in rows], rows, [len(texts[r]) - 1 for r in rows], range(4))
    for row, logits in zip(rows, together, strict=True):
        alone = network.memory(1)
        text = texts[row]
        for position, id in enumerate(text[:-1]):
            network.forward(alone, [id], [0], [position], [])
        expected = network.forward(alone, [text[-1]], [0], [len(text) - 1], [0])[0]
        # Only the reading of 16 tokens at once may differ from token by token, by bfloat16's rounding.
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 if format == "float32" else 0.05)


def test_old_keys_of_a_row_are_not_seen_by_its_next_text() -> None:
    config = SHAPES[1]
    network = Network(config, as_in_modules(a_model(config)))
    memory = network.memory(1)
    network.forward(memory, [3] * 90, [0] * 90, range(90), [])
    again = network.forward(memory, [5, 6, 7], [0] * 3, range(3), [2])
    np.testing.assert_array_equal(again, network.forward(network.memory(1), [5, 6, 7], [0] * 3, range(3), [2]))


@pytest.mark.parametrize("format", ["float32", *PACKED])
def test_the_number_of_threads_does_not_matter(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = a_model(SHAPES[2])
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        network = Network(model.config, as_in_files(model), format)
        results.append(np.concatenate([all_logits(network, list(range(30))), all_logits(network, [1, 2])]))
    for result in results[1:]:
        if format == "float32":  # sums over inputs are split among threads
            np.testing.assert_allclose(result, results[0], rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(result, results[0])


def test_float32_weights_are_used_where_they_lie() -> None:
    config = SHAPES[0]
    model = a_model(config)
    network = Network(config, as_in_modules(model))
    before = all_logits(network, [1, 2, 3])
    with torch.no_grad():
        model.h[1].mlp.c_fc.weight.mul_(2.0)
    assert np.abs(all_logits(network, [1, 2, 3]) - before).max() > 1e-3


@pytest.mark.parametrize("shape", [(64, 64), (1, 1), (61, 12), (130, 192), (50, 65)], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
class TestPacking:
    def matrix(self, shape: tuple[int, int], transposed: bool) -> np.ndarray:
        numbers = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
        return np.ascontiguousarray(numbers.T).T if transposed else numbers

    def test_bfloat16_is_rounded_to_the_nearest_as_torch_does(self, shape: tuple[int, int], transposed: bool) -> None:
        weight = self.matrix(shape, transposed)
        expected = torch.from_numpy(weight).bfloat16().float().numpy()
        np.testing.assert_array_equal(unpack(pack(weight, BF16)), expected)

    def test_int8_is_the_nearest_of_255_steps(self, shape: tuple[int, int], transposed: bool) -> None:
        weight = self.matrix(shape, transposed)
        step = np.abs(weight).max(1, keepdims=True) / 127
        expected = np.rint(weight / step) * step
        np.testing.assert_allclose(unpack(pack(weight, INT8)), expected, atol=1e-6)

    def test_int4_is_within_half_a_step_of_its_group(self, shape: tuple[int, int], transposed: bool) -> None:
        weight = self.matrix(shape, transposed)
        error = np.abs(unpack(pack(weight, INT4)) - weight)
        for first in range(0, shape[1], GROUP):
            group = weight[:, first : first + GROUP]
            # Beyond the matrix there are zeros, which are numbers like others. bfloat16 has 8 bits.
            least, most = (
                (np.minimum(group.min(1), 0), np.maximum(group.max(1), 0))
                if shape[1] % GROUP
                else (
                    group.min(1),
                    group.max(1),
                )
            )
            step = (most - least) / 15
            allowed = step * (0.5 + 15 * 2**-8) + np.abs(least) * 2**-8
            assert (error[:, first : first + GROUP] <= allowed[:, None]).all()


@pytest.mark.parametrize("format", [BF16, INT8, INT4])
def test_zeros_stay_zeros(format: int) -> None:
    np.testing.assert_array_equal(unpack(pack(np.zeros((3, 70), np.float32), format)), 0)


def test_without_the_kernels_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.native.calling.library", lambda: None)
    monkeypatch.setattr("nextword.native.calling.why_not", lambda: "there is no C compiler here")
    with pytest.raises(RuntimeError, match="kernels are not there: there is no C compiler here"):
        pack(np.zeros((3, 70), np.float32), BF16)
