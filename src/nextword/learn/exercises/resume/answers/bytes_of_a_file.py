import io

import torch


def save_state(model, optimizer, step):
    """What a file would hold: torch.save copies by itself."""
    buffer = io.BytesIO()
    states = [model.state_dict(), optimizer.state_dict(), torch.get_rng_state(), step]
    torch.save(states, buffer)
    return buffer.getvalue()


def load_state(state, model, optimizer):
    weights, moments, random, step = torch.load(io.BytesIO(state))
    model.load_state_dict(weights)
    optimizer.load_state_dict(moments)
    torch.set_rng_state(random)
    return step
