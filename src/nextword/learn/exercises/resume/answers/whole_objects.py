from copy import deepcopy

import torch


def save_state(model, optimizer, step):
    generator = torch.default_generator.get_state()
    return dict(both=deepcopy((model, optimizer)), generator=generator, step=torch.tensor(step))


def load_state(state, model, optimizer):
    old_model, old_optimizer = state["both"]
    optimizer.load_state_dict(old_optimizer.state_dict())
    model.load_state_dict(old_model.state_dict())
    torch.default_generator.set_state(state["generator"])
    return state["step"].item()
