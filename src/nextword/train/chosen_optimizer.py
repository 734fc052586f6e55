"""The optimizers by name, and the one that a run has chosen.

To add one, write its class and name it here and in `config.OPTIMIZERS`, with the learning rate that suits it.
"""

import torch

from nextword.train.config import TrainConfig
from nextword.train.matrix_optimizers.mars import Mars
from nextword.train.matrix_optimizers.muon import Muon
from nextword.train.matrix_optimizers.soap import Soap
from nextword.train.optimizer import make_optimizer
from nextword.train.plan import Plan
from nextword.user_model import Trainable

MAKERS = {"adamw": make_optimizer, "muon": Muon, "mars": Mars, "soap": Soap}
"""How an optimizer is made, of a model, a learning rate, a weight decay and AdamW's beta2."""


def chosen_optimizer(model: Trainable, config: TrainConfig, plan: Plan) -> torch.optim.AdamW:
    """Make the optimizer that the plan names."""
    return MAKERS[plan.optimizer](model, plan.lr, config.weight_decay, config.beta2)
