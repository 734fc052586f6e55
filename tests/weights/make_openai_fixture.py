"""Write `openai_tiny/` and `openai_sharded/` with TensorFlow itself, when they are to be made anew.

    python -m venv tf-env && tf-env/bin/pip install tensorflow-cpu
    tf-env/bin/python tests/weights/make_openai_fixture.py tests/weights/openai_tiny
    tf-env/bin/python tests/weights/make_openai_fixture.py tests/weights/openai_sharded --shards 2

TensorFlow is no dependency of nextword, so this needs an environment of its
own. `--size 124M` writes a full-size checkpoint instead (500 MB, not committed).

The values follow a formula (`values`), which the tests compute again: what they
compare with has never been in a file.
"""

import argparse
import json
from pathlib import Path

import numpy as np

SIZES = {
    "tiny": {"n_vocab": 61, "n_ctx": 16, "n_embd": 12, "n_head": 3, "n_layer": 2},
    "124M": {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12},
}


def shapes(n_vocab: int, n_ctx: int, n_embd: int, n_head: int, n_layer: int) -> dict[str, tuple[int, ...]]:
    """OpenAI's variables, by name: the projections are convolutions of width 1, hence (1, in, out).

    Source: github.com/openai/gpt-2, src/model.py.
    """
    C = n_embd
    shapes = {"model/wpe": (n_ctx, C), "model/wte": (n_vocab, C)}
    for layer in range(n_layer):
        h = f"model/h{layer}"
        shapes |= {f"{h}/{norm}/{part}": (C,) for norm in ("ln_1", "ln_2") for part in "gb"}
        for name, n_in, n_out in (
            ("attn/c_attn", C, 3 * C),
            ("attn/c_proj", C, C),
            ("mlp/c_fc", C, 4 * C),
            ("mlp/c_proj", 4 * C, C),
        ):
            shapes |= {f"{h}/{name}/w": (1, n_in, n_out), f"{h}/{name}/b": (n_out,)}
    return shapes | {"model/ln_f/g": (C,), "model/ln_f/b": (C,)}


def values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers without a pattern, the same on every machine; each is a whole number of 512ths, hence exact."""
    waves = np.arange(1, 1 + np.prod(shape), dtype=np.int64) * 7919 * (1 + len(name)) + sum(name.encode()) * 104729
    return ((waves % 251 - 125) / 512).astype(np.float32).reshape(shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--shards", type=int, default=1)
    arguments = parser.parse_args()

    import tensorflow.compat.v1 as tf  # not at the top: the test imports this file without TensorFlow

    tf.disable_v2_behavior()
    hparams = SIZES[arguments.size]
    variables = {name: values(name, shape) for name, shape in shapes(**hparams).items()}
    for i, (name, value) in enumerate(variables.items()):
        with tf.device(f"/cpu:{i % arguments.shards}"):  # a sharded saver writes one file for each device
            tf.get_variable(name, shape=value.shape, dtype=tf.float32, use_resource=False)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": arguments.shards})) as session:
        for variable in tf.global_variables():
            variable.load(variables[variable.op.name], session)
        saver = tf.train.Saver(sharded=arguments.shards > 1)
        saver.save(session, str(arguments.directory / "model.ckpt"), write_meta_graph=False)
    (arguments.directory / "hparams.json").write_text(json.dumps(hparams) + "\n")


if __name__ == "__main__":
    main()
