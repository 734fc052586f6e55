"""`nextword export`: a model in another program's format."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from nextword.cli.arguments import parse
from nextword.errors import SettingError
from nextword.weights.formats import FORMATS

if TYPE_CHECKING:
    from nextword.model import GPT

WRITTEN = (*(name for name, one in FORMATS.items() if one.save is not None), "gguf", "onnx")

OFF = {"f32": 1e-4, "f16": 2e-3, "bf16": 2e-2, "q8_0": 2e-2, "q4_0": 0.35}
"""What the logits of a file may be off by: the root mean square, as a share of the exact ones'."""


@dataclass(frozen=True)
class Arguments:
    """Write a model in another program's format.

    hf is Hugging Face's: transformers, vLLM, mlx-lm and llama.cpp's converter read it. gguf is llama.cpp's and
    Ollama's, one file with the tokenizer in it. onnx is a graph with a KV cache, for onnxruntime and transformers.js.
    The last two are read again and compared before they are said to be there.
    """

    model: tyro.conf.Positional[str]
    """What to export: a run directory, any GPT-2 directory, or gpt2 and its siblings."""

    out: str
    """The directory to write to. It must be new or empty."""

    to: Annotated[Literal[WRITTEN], tyro.conf.arg(help="The format.")] = "hf"  # type: ignore[valid-type]

    numbers: Literal["f32", "f16", "bf16", "q8_0", "q4_0"] = "f16"
    """How gguf stores the matrices: in 32 or 16 bits, or in 8 or 4 with a scale for each 32 numbers."""


def run(arguments: list[str]) -> int:
    """Load the model and save it in the other format."""
    args = parse(Arguments, "export", arguments)
    out = Path(args.out)
    if args.to != "gguf" and args.numbers != "f16":
        raise SettingError("numbers", f"is for gguf: {args.to} has float32. Leave it out.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"--out {out} is there already: choose a new or an empty directory.")

    from nextword.loading import load

    model, tokenizer = load(args.model)
    if args.to == "onnx":
        model.vocabulary = tokenizer.vocabulary
        return export_onnx(model, args.model, out)
    if args.to == "gguf":
        model.vocabulary = tokenizer.vocabulary
        return export_gguf(model, args.model, out, args.numbers)
    written = FORMATS[args.to]
    assert written.save is not None
    written.save(model, out)
    print(f"Wrote {args.model} to {out} ({model.config.n_params:,} parameters).")
    print(f"In Python: {written.loader.format(path=out)}")
    return 0


def export_gguf(model: "GPT", name: str, out: Path, numbers: str) -> int:
    """Write a GGUF file and Ollama's Modelfile, and compare the file's logits."""
    import torch

    from nextword.weights.foreign import import_checkpoint
    from nextword.weights.foreign.gguf_saving import save_gguf

    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{Path(name).name}-{numbers}.gguf"
    save_gguf(model, file, numbers, Path(name).name)
    ids = torch.arange(min(64, model.config.n_ctx))[None] * 7 % model.config.n_vocab
    with torch.inference_mode():
        exact, found = model(ids).double(), import_checkpoint(file).model(ids).double()
    off = float(((found - exact).square().mean() / exact.square().mean()).sqrt())
    if not off <= OFF[numbers]:
        raise ValueError(f"{file} is off by {off:.1e} of its logits when it is read again, which is no rounding.")
    (out / "Modelfile").write_text(
        f"FROM ./{file.name}\n# A base model has no turns: it goes on with the prompt as it stands.\n"
        'TEMPLATE "{{ .Prompt }}"\nPARAMETER num_ctx ' + f"{model.config.n_ctx}\n",
        encoding="utf-8",
    )
    size = file.stat().st_size / 1e6
    print(f"Wrote {file} ({size:,.0f} MB). Read again, its logits are off by {off:.1e} of themselves.")
    print(f"llama-cli -m {file}     or: ollama create {Path(name).name} -f {out / 'Modelfile'}")
    return 0


def export_onnx(model: "GPT", name: str, out: Path) -> int:
    """Write an ONNX graph as transformers.js lays it out, and compare it by onnxruntime."""
    from nextword.tokenizer.export import save_tokenizer
    from nextword.weights.foreign.onnx_saving import largest_difference, save_onnx
    from nextword.weights.huggingface_config import CONFIG, config_values

    (out / "onnx").mkdir(parents=True, exist_ok=True)
    file = out / "onnx" / "model.onnx"
    save_onnx(model, file)
    (out / CONFIG).write_text(json.dumps(config_values(model.config, model.vocabulary), indent=2) + "\n")
    save_tokenizer(out, model.config.n_ctx, model.vocabulary)
    gap, scale = largest_difference(model, file)
    if not gap <= OFF["f32"] * scale:
        raise ValueError(f"{file} differs by {gap:.1e} from logits of up to {scale:.1f}, which is no rounding.")
    size = file.stat().st_size / 1e6
    print(f"Wrote {file} ({size:,.0f} MB). By onnxruntime, with a cache, it is off by {gap:.1e} of {scale:.1f}.")
    print(f"In JavaScript: await pipeline('text-generation', '{Path(name).name}', {{dtype: 'fp32'}})")
    return 0
