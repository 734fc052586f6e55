import copy

import torch


def save_state(model, optimizer, step):
    return {
        "model": copy.deepcopy(model.state_dict()),
        #~ not-copied: "model": model.state_dict(),
        #~ weights-not-copied: "model": model.state_dict(),
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        #~ not-copied: "optimizer": optimizer.state_dict(),
        #~ moments-not-copied: "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        #~ random-missing:
        #~ random-reseeded: "seed": torch.initial_seed(),
        "step": step,
        #~ step-missing:
    }


def load_state(state, model, optimizer):
    model.load_state_dict(state["model"])
    #~ weights-missing: model = copy.deepcopy(model).load_state_dict(state["model"])
    #~ left-in-eval: model.load_state_dict(state["model"])
    #~ left-in-eval: model.eval()
    optimizer.load_state_dict(state["optimizer"])
    #~ optimizer-missing:
    #~ moments-missing: for group, saved in zip(optimizer.param_groups, state["optimizer"]["param_groups"]):
    #~ moments-missing:     group["lr"] = saved["lr"]
    #~ rate-missing: lr = optimizer.param_groups[0]["lr"]
    #~ rate-missing: optimizer.load_state_dict(state["optimizer"])
    #~ rate-missing: for group in optimizer.param_groups:
    #~ rate-missing:     group["lr"] = lr
    torch.set_rng_state(state["rng"])
    #~ random-missing:
    #~ random-reseeded: torch.manual_seed(state["seed"])
    return state["step"]
    #~ step-missing: return 0
    #~ step-late: return state["step"] + 1
    #~ step-not-returned:
