import numpy as np
import pytest
import torch

from nextword.model import GPT, GPTConfig
from nextword.train.optimizer import make_optimizer, parameter_groups, set_learning_rate

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(SMALL)


def test_decay_is_for_matrices_and_embeddings_only(model):
    decay = {
        parameter: group["weight_decay"]
        for group in make_optimizer(model, 1e-3, 0.1, 0.95).param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        is_matrix = name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) or name in (
            "wte.weight",
            "wpe.weight",
        )
        assert decay[parameter] == (0.1 if is_matrix else 0.0), name


def test_decay_is_for_matrices_only_and_each_parameter_there_once(model):
    decaying, others = parameter_groups(model, 0.3)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
    assert all(p.dim() == 2 for p in decaying["params"])
    assert all(p.dim() == 1 for p in others["params"])
    assert {id(p) for p in model.parameters()} == {id(p) for p in (*decaying["params"], *others["params"])}
    assert len([*decaying["params"], *others["params"]]) == len(list(model.parameters()))


def test_every_parameter_is_there_once_though_the_head_uses_wte_again(model):
    optimizer = make_optimizer(model, 1e-3, 0.1, 0.95)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len({id(parameter) for parameter in parameters}) == len(parameters)
    assert sum(parameter.numel() for parameter in parameters) == SMALL.n_params


def test_three_updates_by_the_formula(model):
    """Algorithm 2 of Loshchilov and Hutter (2019), in float64, with their eta * lambda read as lr * decay."""
    lr, decay, beta1, beta2, eps = 0.01, 0.3, 0.9, 0.98, 1e-8
    optimizer = make_optimizer(model, 99.0, decay, beta2)
    names = ["wte.weight", "h.1.attn.c_attn.weight", "h.0.ln_1.weight", "h.0.mlp.c_fc.bias"]
    parameters = dict(model.named_parameters())
    expected = {name: parameters[name].detach().double().numpy().copy() for name in names}
    m = {name: np.zeros_like(expected[name]) for name in names}
    v = {name: np.zeros_like(expected[name]) for name in names}
    generator = torch.Generator().manual_seed(1)
    for t in (1, 2, 3):
        for parameter in parameters.values():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        set_learning_rate(optimizer, lr * t)
        optimizer.step()
        for name in names:
            g = parameters[name].grad.double().numpy()
            m[name] = beta1 * m[name] + (1 - beta1) * g
            v[name] = beta2 * v[name] + (1 - beta2) * g**2
            m_hat, v_hat = m[name] / (1 - beta1**t), v[name] / (1 - beta2**t)
            pull = decay * expected[name] if expected[name].ndim == 2 else 0.0
            expected[name] = expected[name] - lr * t * (m_hat / (np.sqrt(v_hat) + eps) + pull)
    for name in names:
        np.testing.assert_allclose(parameters[name].detach().numpy(), expected[name], rtol=1e-5, atol=1e-6)


def test_frozen_parameters_are_left_out(model):
    model.wpe.weight.requires_grad_(False)
    groups = make_optimizer(model, 1e-3, 0.1, 0.95).param_groups
    assert not any(parameter is model.wpe.weight for group in groups for parameter in group["params"])
