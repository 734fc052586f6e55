"""llama.cpp, through llama-cpp-python's binding of its C functions; the choosing is numpy's argmax, which is quick.

`Llama`, the package's own class, does more between two tokens and would only be slower; the cold start uses it,
since that is what a user would write.
"""

import ctypes
import sys
from pathlib import Path

from nextword.bench.program import WritingProgram
from nextword.runtime.files import replacing

FORMATS = {"float32": None, "bfloat16": "MOSTLY_BF16", "int8": "MOSTLY_Q8_0", "int4": "MOSTLY_Q4_0"}

FIRST_TOKEN = """
import sys
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=256, n_threads=int(sys.argv[3]), n_threads_batch=int(sys.argv[3]), verbose=False)
print(sys.argv[2] + model(sys.argv[2], max_tokens=1, temperature=0)["choices"][0]["text"], flush=True)
"""


class LlamaCpp(WritingProgram):
    name = "llama.cpp"
    precisions = ("float32", "bfloat16", "int8", "int4")
    needs = ("llama_cpp_python", "gguf")

    @staticmethod
    def file(scratch, precision):
        return Path(scratch) / f"llama-{precision}.gguf"

    def prepare(self, model, scratch, precision):
        from benchmarks.peers.gguf_file import write_gguf

        plain, wanted = self.file(scratch, "float32"), self.file(scratch, precision)
        if not plain.exists():
            with replacing(plain) as file:
                write_gguf(model, file)
        if not wanted.exists():
            import llama_cpp

            settings = llama_cpp.llama_model_quantize_default_params()
            settings.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_{FORMATS[precision]}")
            with replacing(wanted) as file:
                status = llama_cpp.llama_model_quantize(str(plain).encode(), str(file).encode(), ctypes.byref(settings))
                if status != 0:
                    raise RuntimeError(f"llama_model_quantize to {precision} failed with status {status}")

    def load(self, model, scratch, precision, threads, n_rows):
        import llama_cpp

        self.llama, self.threads, self.contexts = llama_cpp, threads, {}
        self.silence = llama_cpp.llama_log_callback(lambda level, text, data: None)  # kept: C holds on to it
        llama_cpp.llama_log_set(self.silence, None)
        llama_cpp.llama_backend_init()
        path = str(self.file(scratch, precision)).encode()
        self.model = llama_cpp.llama_model_load_from_file(path, llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"{path.decode()} could not be loaded")
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def context(self, n_rows, n_tokens):
        """A context with room for so many tokens on each row, made once for each size."""
        size = -(-n_tokens // 256) * 256
        if (n_rows, size) not in self.contexts:
            settings = self.llama.llama_context_default_params()
            settings.n_ctx, settings.n_seq_max = n_rows * size, n_rows
            settings.n_batch, settings.n_ubatch = max(512, n_rows * size), 512
            settings.n_threads = settings.n_threads_batch = self.threads
            self.contexts[n_rows, size] = self.llama.llama_init_from_model(self.model, settings)
        context = self.contexts[n_rows, size]
        self.llama.llama_memory_clear(self.llama.llama_get_memory(context), False)
        return context

    def write(self, prompts, n_tokens):
        context = self.context(len(prompts), max(map(len, prompts)) + n_tokens)
        positions = [len(ids) for ids in prompts]
        chosen = [int(scores.argmax()) for scores in self.read(context, prompts, [0] * len(prompts))]
        texts = [[id] for id in chosen]
        for _ in range(n_tokens - 1):
            scores = self.read(context, [[id] for id in chosen], positions)
            chosen = [int(row.argmax()) for row in scores]
            for row, id in enumerate(chosen):
                texts[row].append(id)
                positions[row] += 1
        return texts

    def read(self, context, texts, positions):
        """Read a few tokens on each row; give back each row's scores (V,) of what comes next."""
        import numpy as np

        n_tokens = sum(map(len, texts))
        batch = self.llama.llama_batch_init(n_tokens, 0, 1)
        last, i = [], 0
        for row, ids in enumerate(texts):
            for offset, id in enumerate(ids):
                batch.token[i], batch.pos[i] = id, positions[row] + offset
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, row
                batch.logits[i] = offset == len(ids) - 1
                i += 1
            last.append(i - 1)
        batch.n_tokens = n_tokens
        status = self.llama.llama_decode(context, batch)
        self.llama.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError(f"llama_decode failed with status {status}")
        return [np.ctypeslib.as_array(self.llama.llama_get_logits_ith(context, i), shape=(self.n_vocab,)) for i in last]

    def logits(self, ids):
        return self.read(self.context(1, len(ids)), [ids], [0])[0].tolist()

    @classmethod
    def cold_start(cls, model, scratch, precision, prompt, threads):
        return [sys.executable, "-c", FIRST_TOKEN, str(cls.file(scratch, precision)), prompt, str(threads)]
