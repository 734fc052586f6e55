from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch


@dataclass
class Checkpoint:
    weights: dict[str, torch.Tensor]
    moments: list[dict[str, Any]]
    settings: list[dict[str, Any]]
    random: torch.Tensor
    step: int


def save_state(model, optimizer, step):
    state_dict = optimizer.state_dict()
    return Checkpoint(
        weights={name: p.detach().clone() for name, p in model.state_dict().items()},
        #~ weights-not-copied: weights=dict(model.state_dict()),
        #~ not-copied: weights=dict(model.state_dict()),
        moments={i: {k: v.clone() for k, v in s.items()} for i, s in state_dict["state"].items()},
        #~ moments-not-copied: moments=dict(state_dict["state"]),
        #~ not-copied: moments=dict(state_dict["state"]),
        settings=deepcopy(state_dict["param_groups"]),
        random=torch.random.get_rng_state(),
        #~ random-reseeded: random=torch.random.initial_seed(),
        step=step,
        #~ step-missing: step=0,
        #~ step-late: step=step + 1,
    )


def load_state(state, model, optimizer):
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(state.weights[name])
            #~ weights-missing: p = state.weights[name]
    settings = state.settings
    #~ rate-missing: settings = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": deepcopy(state.moments), "param_groups": settings})
    #~ optimizer-missing:
    #~ moments-missing: optimizer.load_state_dict({"state": {}, "param_groups": settings})
    torch.random.set_rng_state(state.random)
    #~ random-missing:
    #~ random-reseeded: torch.random.manual_seed(state.random)
    model.train()
    #~ left-in-eval: model.eval()
    return state.step
    #~ step-not-returned: pass
