"""A review of a GPT-2 in PyTorch that was never written for us.

`source.py` runs the file, `choice.py` finds the class, `construction.py` builds it in the fixture's sizes, and
`call.py` gets logits out of it. `user_gpt.py` puts our numbers into it, and `whole.py` has the experiments whose
results say which mistakes it makes. `structure.py`, `behaviour.py` and `training.py` look at it from other sides.
What they find are findings (`findings.py`); `review.py` puts them in order and into words.

It all happens in a process of its own (`worker.py`), which `visit.py` starts and watches.
"""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
