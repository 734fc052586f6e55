"""See inside a model: activations, attention, layers' guesses, attribution, interventions.

lens.trace(model, ids)["h.3.attn.weights"]     everything that a forward pass makes, by name
lens.trace(model, ids).attention(3, 5).plot()  where a head looks
lens.logit_lens(model, ids).plot()             what each layer would say next

All of it takes a `GPT` (of a user model, `nextword.user_model.checked_gpt`
makes one), gives arrays with labels (`Labelled`), and can be drawn.
"""

from nextword.lazy import attach
from nextword.lens.attribution import direct_logit_attribution
from nextword.lens.interventions import Effect, ablate, patch
from nextword.lens.labelled import Axis, Labelled
from nextword.lens.neurons import neuron, neuron_words, top_neurons
from nextword.lens.surprisal import surprise
from nextword.lens.tracing import Trace, logit_lens, trace

__all__ = [
    "Axis",
    "Effect",
    "Labelled",
    "Trace",
    "ablate",
    "direct_logit_attribution",
    "logit_lens",
    "neuron",
    "neuron_words",
    "patch",
    "surprise",
    "top_neurons",
    "trace",
]

__getattr__, __dir__ = attach(__name__)
