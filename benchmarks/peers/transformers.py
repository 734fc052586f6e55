"""Hugging Face transformers: `generate` with its cache, eager PyTorch, its default attention (SDPA)."""

import sys

from nextword.bench.program import WritingProgram

FIRST_TOKEN = """
import sys, torch
torch.set_num_threads(int(sys.argv[3]))
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
ids = tokenizer(sys.argv[2], return_tensors="pt")
print(tokenizer.decode(model.generate(**ids, max_new_tokens=1, do_sample=False, pad_token_id=50256)[0]), flush=True)
"""


class Transformers(WritingProgram):
    name = "transformers"
    precisions = ("float32", "bfloat16")
    needs = ("transformers",)

    def load(self, model, scratch, precision, threads, n_rows):
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, precision)).eval()
        self.model.generation_config.eos_token_id = None  # exactly so many tokens, whatever they are

    def write(self, prompts, n_tokens):
        import torch

        length = max(len(ids) for ids in prompts)
        padded = torch.tensor([[0] * (length - len(ids)) + list(ids) for ids in prompts])
        visible = torch.tensor([[0] * (length - len(ids)) + [1] * len(ids) for ids in prompts])
        with torch.inference_mode():
            texts = self.model.generate(
                padded, attention_mask=visible, max_new_tokens=n_tokens, do_sample=False, pad_token_id=0
            )
        return texts[:, length:].tolist()

    def logits(self, ids):
        import torch

        with torch.inference_mode():
            return self.model(torch.tensor([list(ids)])).logits[0, -1].float().tolist()

    @classmethod
    def cold_start(cls, model, scratch, precision, prompt, threads):
        return [sys.executable, "-c", FIRST_TOKEN, model, prompt, str(threads)] if precision == "float32" else None
