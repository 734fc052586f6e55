"""A GPT-2 directory as an ONNX graph with a cache, in the operators that ONNX Runtime has for GPT-2.

Inputs: ids and positions (B, T), visible (B, S) with 0 where a row is padded, past_0 ... (2, B, H, S - T, D).
Outputs: logits (B, V) of each row's last token, present_0 ... (2, B, H, S, D).
"""

import json
from pathlib import Path

MICROSOFT = "com.microsoft"


def write_onnx(model, file):
    """model: a directory in Hugging Face's layout."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    n_embd, n_head, n_layer = config["n_embd"], config["n_head"], config["n_layer"]
    epsilon = config.get("layer_norm_epsilon", 1e-5)
    stored = load_file(Path(model) / "model.safetensors")
    weights = {key.removeprefix("transformer."): values.astype(np.float32) for key, values in stored.items()}
    weights = {key: values for key, values in weights.items() if not key.endswith((".attn.bias", "masked_bias"))}
    weights["head"] = np.ascontiguousarray(weights["wte.weight"].T)
    weights.pop("lm_head.weight", None)
    nodes = []

    def node(kind, inputs, output, domain="", **attributes):
        outputs = [output] if isinstance(output, str) else output
        nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def norm(x, name):
        return node("LayerNormalization", [x, f"{name}.weight", f"{name}.bias"], f"{name}.out", epsilon=epsilon)

    def linear(x, name):
        return node("Add", [node("MatMul", [x, f"{name}.weight"], f"{name}.product"), f"{name}.bias"], f"{name}.out")

    tokens = node("Gather", ["wte.weight", "ids"], "tokens")
    x = node("Add", [tokens, node("Gather", ["wpe.weight", "positions"], "places")], "x")
    for layer in range(n_layer):
        block = f"h.{layer}"
        qkv = [norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn.weight", f"{block}.attn.c_attn.bias"]
        attended = node(
            "Attention",
            [*qkv, "visible", f"past_{layer}"],
            [f"{block}.attended", f"present_{layer}"],
            MICROSOFT,
            num_heads=n_head,
            unidirectional=1,
        )
        x = node("Add", [x, linear(attended, f"{block}.attn.c_proj")], f"{block}.middle")
        hidden = linear(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")
        hidden = node("FastGelu", [hidden], f"{block}.gelu", MICROSOFT)
        x = node("Add", [x, linear(hidden, f"{block}.mlp.c_proj")], f"{block}.end")
    weights["last"] = np.array(-1, dtype=np.int64)
    last = node("Gather", [x, "last"], "last_row", axis=1)
    node("MatMul", [norm(last, "ln_f"), "head"], "logits")

    def tensor(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    cache = (n_head, n_embd // n_head)
    inputs = [tensor("ids", TensorProto.INT64, ["B", "T"]), tensor("positions", TensorProto.INT64, ["B", "T"])]
    inputs += [tensor("visible", TensorProto.INT32, ["B", "S"])]
    inputs += [tensor(f"past_{i}", TensorProto.FLOAT, [2, "B", cache[0], "P", cache[1]]) for i in range(n_layer)]
    outputs = [tensor("logits", TensorProto.FLOAT, ["B", config["vocab_size"]])]
    outputs += [tensor(f"present_{i}", TensorProto.FLOAT, [2, "B", cache[0], "S", cache[1]]) for i in range(n_layer)]
    initializers = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "gpt2", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), file)


def write_int8(plain, file):
    """ONNX Runtime's own dynamic quantization: weights in int8, activations rounded each time they are multiplied."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        plain,
        file,
        op_types_to_quantize=["MatMul", "Attention"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # it cannot infer what Attention gives
    )
