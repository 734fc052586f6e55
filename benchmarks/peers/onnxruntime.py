"""ONNX Runtime, with its own operators for GPT-2 (see onnx_file.py); numpy's argmax chooses."""

from pathlib import Path

from nextword.bench.program import WritingProgram
from nextword.runtime.files import replacing


class OnnxRuntime(WritingProgram):
    name = "ONNX Runtime"
    precisions = ("float32", "int8")
    needs = ("onnxruntime", "onnx")

    @staticmethod
    def file(scratch, precision):
        return Path(scratch) / f"onnx-{precision}.onnx"

    def prepare(self, model, scratch, precision):
        from benchmarks.peers.onnx_file import write_int8, write_onnx

        plain, wanted = self.file(scratch, "float32"), self.file(scratch, precision)
        if not plain.exists():
            with replacing(plain) as file:
                write_onnx(model, file)
        if not wanted.exists():
            with replacing(wanted) as file:
                write_int8(plain, file)

    def load(self, model, scratch, precision, threads, n_rows):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Threads that wait in a loop for more to do would take the time of whoever is measured next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        path = self.file(scratch, precision)
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.value = onnxruntime.OrtValue.ortvalue_from_numpy
        _, _, self.n_head, _, self.width = self.session.get_inputs()[3].shape
        self.outputs = [output.name for output in self.session.get_outputs()]

    def write(self, prompts, n_tokens):
        import numpy as np

        length = max(len(ids) for ids in prompts)
        ids = np.array([[0] * (length - len(ids)) + list(ids) for ids in prompts])
        visible = np.array([[0] * (length - len(ids)) + [1] * len(ids) for ids in prompts], dtype=np.int32)
        positions = np.maximum(visible.cumsum(1) - 1, 0)
        past = [self.value(np.zeros((2, len(prompts), self.n_head, 0, self.width), np.float32))] * (
            len(self.outputs) - 1
        )
        texts = []
        for _ in range(n_tokens):
            scores, past = self.step(ids, positions, visible, past)
            ids = scores.argmax(-1)[:, None]
            texts.append(ids[:, 0])
            positions = visible.sum(1, keepdims=True)
            visible = np.concatenate([visible, np.ones_like(visible[:, :1])], axis=1)
        return np.stack(texts, axis=1).tolist()

    def step(self, ids, positions, visible, past):
        """Read a few tokens on each row: the scores (B, V) of what comes next, and the longer cache."""
        import numpy as np

        inputs = {"ids": ids.astype(np.int64), "positions": positions.astype(np.int64), "visible": visible}
        values = {name: self.value(np.ascontiguousarray(array)) for name, array in inputs.items()}
        values |= {f"past_{layer}": cache for layer, cache in enumerate(past)}
        scores, *present = self.session.run_with_ort_values(self.outputs, values)
        return scores.numpy(), present

    def logits(self, ids):
        import numpy as np

        empty = self.value(np.zeros((2, 1, self.n_head, 0, self.width), np.float32))
        ids = np.array([list(ids)])
        positions, visible = np.arange(ids.size)[None], np.ones(ids.shape, dtype=np.int32)
        return self.step(ids, positions, visible, [empty] * (len(self.outputs) - 1))[0][0].tolist()
