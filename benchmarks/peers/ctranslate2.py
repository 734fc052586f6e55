"""CTranslate2, through its own converter. Its int8 also rounds the activations, each time it multiplies."""

import json
import sys
from pathlib import Path

from nextword.bench.program import WritingProgram

COMPUTE_TYPES = {"float32": "float32", "bfloat16": "bfloat16", "int8": "int8"}

FIRST_TOKEN = """
import sys, ctranslate2, tokenizers
tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
model = ctranslate2.Generator(
    sys.argv[3], device="cpu", compute_type=sys.argv[4], inter_threads=1, intra_threads=int(sys.argv[5]))
prompt = tokenizer.encode(sys.argv[2]).tokens
result = model.generate_batch([prompt], max_length=1, include_prompt_in_result=False)[0]
print(sys.argv[2] + tokenizer.decode(result.sequences_ids[0]), flush=True)
"""


class CTranslate2(WritingProgram):
    name = "CTranslate2"
    precisions = ("float32", "bfloat16", "int8")
    needs = ("ctranslate2", "transformers")

    @staticmethod
    def converted(scratch, precision):
        return Path(scratch) / f"ctranslate2-{precision}"

    def prepare(self, model, scratch, precision):
        from ctranslate2 import get_supported_compute_types
        from ctranslate2.converters import TransformersConverter

        if COMPUTE_TYPES[precision] not in get_supported_compute_types("cpu"):
            raise ValueError(f"it does not compute in {precision} on this processor")
        if not (self.converted(scratch, precision) / "model.bin").exists():
            converter = TransformersConverter(model)
            converter.convert(
                str(self.converted(scratch, precision)), quantization=COMPUTE_TYPES[precision], force=True
            )

    def load(self, model, scratch, precision, threads, n_rows):
        import ctranslate2

        path = self.converted(scratch, precision)
        self.model = ctranslate2.Generator(
            str(path), device="cpu", compute_type=COMPUTE_TYPES[precision], inter_threads=1, intra_threads=threads
        )
        self.tokens = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))

    def write(self, prompts, n_tokens):
        results = self.model.generate_batch(
            [[self.tokens[id] for id in ids] for ids in prompts],
            max_length=n_tokens,
            min_length=n_tokens,
            include_prompt_in_result=False,
        )
        return [result.sequences_ids[0] for result in results]

    def logits(self, ids):
        import numpy as np

        scores = self.model.forward_batch([[self.tokens[id] for id in ids]])
        return np.asarray(scores)[0, -1].tolist()

    @classmethod
    def cold_start(cls, model, scratch, precision, prompt, threads):
        path = cls.converted(scratch, precision)
        return [sys.executable, "-c", FIRST_TOKEN, model, prompt, str(path), COMPUTE_TYPES[precision], str(threads)]
