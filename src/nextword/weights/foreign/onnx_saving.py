"""A GPT as an ONNX graph with a KV cache, named as transformers.js and Optimum expect.

Inputs: input_ids, position_ids (B, T), attention_mask (B, S), past_key_values.N.key and .value (B, H, S - T, D).
Outputs: logits (B, T, V), present.N.key and .value (B, H, S, D). Operators of opset 17 only, so that every runtime has
them.
"""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.runtime import replacing

OPSET = 17
LARGEST_GRAPH = 1_900_000_000
"""Bytes of a graph in one file: protobuf ends at two gigabytes."""


def save_onnx(model: GPT, file: Path) -> None:
    """Write a model in float32. Raises WeightsError where the package is missing, and for a model of over 1.9 GB."""
    if find_spec("onnx") is None:
        raise WeightsError("ONNX is written by its package: pip install onnx onnxruntime")
    if 4 * model.config.n_params > LARGEST_GRAPH:
        raise WeightsError(
            f"{model.config.n_params:,} parameters in float32 do not fit into an ONNX file of one piece: use gguf."
        )
    import onnx
    from onnx import TensorProto, helper

    c = model.config
    graph = Graph(model)
    logits, cache = graph.network()
    kept: list[str | int | None] = ["B", c.n_head, "P", c.n_embd // c.n_head]
    inputs = {"input_ids": "T", "attention_mask": "S", "position_ids": "T"}
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, ["B", size]) for name, size in inputs.items()]
    given += [helper.make_tensor_value_info(f"past_key_values.{name}", TensorProto.FLOAT, kept) for name in cache]
    made = [helper.make_tensor_value_info(logits, TensorProto.FLOAT, ["B", "T", c.n_vocab])]
    kept = ["B", c.n_head, "S", c.n_embd // c.n_head]
    made += [helper.make_tensor_value_info(f"present.{name}", TensorProto.FLOAT, kept) for name in cache]
    whole = helper.make_graph(graph.nodes, "gpt2", given, made, graph.constants)
    written = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    with replacing(file) as draft:
        onnx.save(written, str(draft))


class Graph:
    """The nodes and constants of a GPT's graph, as they are added."""

    def __init__(self, model: GPT):
        self.config: GPTConfig = model.config
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names: set[str] = set()
        for name, parameter in model.named_parameters():
            values = parameter.detach().float().cpu().numpy()
            # A projection's matrix is (out, in) here, and a product of rows wants (in, out).
            self.constant(name, values.T if values.ndim == 2 and name.startswith("h.") else values)
        self.constant("head", model.wte.weight.detach().float().cpu().numpy().T)

    def constant(self, name: str, values: Any) -> str:
        """Add numbers, once for each name."""
        from onnx import numpy_helper

        if name not in self._names:
            self._names.add(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def whole(self, *numbers: int) -> str:
        """Add whole numbers, such as a shape or axes: (n,)."""
        return self.constant(f"int64 {' '.join(map(str, numbers))}", np.array(numbers, np.int64))

    def number(self, value: float) -> str:
        """Add a number: ()."""
        return self.constant(f"float32 {value!r}", np.array(value, np.float32))

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node of one output, and give back that output's name."""
        from onnx import helper

        output = name or f"{kind} {len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def network(self) -> tuple[str, list[str]]:
        """Add everything. -> the output with the logits, and what the cache's tensors are called."""
        tokens = self.add("Gather", "wte.weight", "input_ids")
        x = self.add("Add", tokens, self.add("Gather", "wpe.weight", "position_ids"))  # (B, T, C)
        hidden, cache = self.hidden(), list[str]()
        for layer in range(self.config.n_layer):
            attended = self.attention(self.norm(x, f"h.{layer}.ln_1"), layer, hidden)
            x = self.add("Add", x, attended)
            up = self.linear(self.norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
            x = self.add("Add", x, self.linear(self.gelu(up), f"h.{layer}.mlp.c_proj"))
            cache += [f"{layer}.key", f"{layer}.value"]
        return self.add("MatMul", self.norm(x, "ln_f"), "head", name="logits"), cache

    def hidden(self) -> str:
        """Say what each query must not see: (B, 1, T, S) of float32, 0 or a large negative number."""
        size = self.add("Shape", "attention_mask")
        S = self.add("Gather", size, self.whole(1))  # (1,)
        T = self.add("Gather", self.add("Shape", "input_ids"), self.whole(1))
        one, zero = (self.constant(f"scalar {n}", np.array(n, np.int64)) for n in (1, 0))
        flat = self.whole(0)
        keys = self.add("Range", zero, self.add("Squeeze", S, flat), one)  # (S,)
        before = self.add("Sub", self.add("Squeeze", S, flat), self.add("Squeeze", T, flat))
        own = self.add("Add", self.add("Range", zero, self.add("Squeeze", T, flat), one), before)  # (T,)
        later = self.add(
            "Greater", self.add("Unsqueeze", keys, flat), self.add("Unsqueeze", own, self.whole(1))
        )  # (T, S)
        filler = self.add("Equal", self.add("Unsqueeze", "attention_mask", self.whole(1, 2)), zero)  # (B, 1, 1, S)
        unseen = self.add("Or", filler, later)
        return self.add("Where", unseen, self.number(-1e9), self.number(0.0))

    def attention(self, x: str, layer: int, hidden: str) -> str:
        """Add causal attention, with what was read before: x (B, T, C) -> (B, T, C)."""
        c, name = self.config, f"h.{layer}.attn"
        D = c.n_embd // c.n_head
        qkv = self.add("Reshape", self.linear(x, f"{name}.c_attn"), self.whole(0, 0, 3, c.n_head, D))
        qkv = self.add("Transpose", qkv, perm=[2, 0, 3, 1, 4])  # (3, B, H, T, D)
        q, k, v = (self.add("Squeeze", self.add("Gather", qkv, self.whole(i)), self.whole(0)) for i in range(3))
        k = self.add("Concat", f"past_key_values.{layer}.key", k, name=f"present.{layer}.key", axis=2)  # (B, H, S, D)
        v = self.add("Concat", f"past_key_values.{layer}.value", v, name=f"present.{layer}.value", axis=2)
        scores = self.add("MatMul", q, self.add("Transpose", k, perm=[0, 1, 3, 2]))  # (B, H, T, S)
        scores = self.add("Add", self.add("Mul", scores, self.number(1.0 / math.sqrt(D))), hidden)
        y = self.add("MatMul", self.add("Softmax", scores, axis=-1), v)  # (B, H, T, D)
        y = self.add("Reshape", self.add("Transpose", y, perm=[0, 2, 1, 3]), self.whole(0, 0, c.n_embd))
        return self.linear(y, f"{name}.c_proj")

    def norm(self, x: str, name: str) -> str:
        """Add a LayerNorm."""
        return self.add("LayerNormalization", x, f"{name}.weight", f"{name}.bias", axis=-1, epsilon=1e-5)

    def linear(self, x: str, name: str) -> str:
        """Add a projection."""
        return self.add("Add", self.add("MatMul", x, f"{name}.weight"), f"{name}.bias")

    def gelu(self, x: str) -> str:
        """Add GPT-2's GELU: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
        cubed = self.add("Mul", self.add("Mul", self.add("Mul", x, x), x), self.number(0.044715))
        inner = self.add("Mul", self.add("Add", x, cubed), self.number(math.sqrt(2.0 / math.pi)))
        turned = self.add("Add", self.add("Tanh", inner), self.number(1.0))
        return self.add("Mul", self.add("Mul", x, self.number(0.5)), turned)


def largest_difference(model: GPT, file: Path) -> tuple[float, float]:
    """Compare the graph with the model, whole and with a cache, by onnxruntime. -> the largest difference and logit.

    Raises WeightsError where onnxruntime is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise WeightsError("what was written is compared by onnxruntime: pip install onnxruntime")
    import onnxruntime
    import torch

    c = model.config
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    n = min(24, c.n_ctx)
    ids = (torch.arange(2 * n) * 7 % c.n_vocab).view(2, n)
    with torch.inference_mode():
        exact = model(ids).numpy()
    outputs = [output.name for output in session.get_outputs()]
    empty = np.zeros((2, c.n_head, 0, c.n_embd // c.n_head), np.float32)
    past = {name.replace("present", "past_key_values"): empty for name in outputs[1:]}
    found, start = [], 0
    for part in np.array_split(ids.numpy(), 3, axis=1):
        end = start + part.shape[1]
        places = np.broadcast_to(np.arange(start, end), part.shape)
        seen = np.ones((2, end), np.int64)
        given = {"input_ids": part, "position_ids": places, "attention_mask": seen}
        logits, *kept = session.run(outputs, given | past)
        past = {name.replace("present", "past_key_values"): one for name, one in zip(outputs[1:], kept, strict=True)}
        found.append(logits)
        start = end
    return float(np.abs(np.concatenate(found, axis=1) - exact).max()), float(np.abs(exact).max())
