"""Checkpoints of other GPT-2s, made one of ours: `nextword import`.

pickled.py     PyTorch's files, read without running anything that is hidden in them
families.py    whose names they have, and which of ours each stands for
llmc.py        llm.c's files
gguf_file.py   llama.cpp's files
importing.py   any of them -> a GPT, and what became of what
"""

from nextword.weights.foreign.importing import Imported, import_checkpoint

__all__ = ["Imported", "import_checkpoint"]
