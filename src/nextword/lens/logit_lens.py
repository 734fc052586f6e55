"""The logit lens: what each layer would say next, with words to it."""

from nextword.lens.labelled import Labelled
from nextword.lens.texts import Ids, one_text
from nextword.lens.tracing import trace
from nextword.model import GPT


def logit_lens(model: GPT, ids: Ids) -> Labelled:
    """What each layer would say next: (n_layer + 1, T), the likeliest word of each and how likely it is.

    The first row is what the embeddings alone would say, the last what the
    model says. ids: one text's. Raises ValueError for several, and as `trace`
    does. `plain.logit_lens` is the same, written out, and gives all the scores.

    Source: nostalgebraist, "interpreting GPT: the logit lens" (2020).
    """
    return trace(model, one_text(ids)).logit_lens()
