import torch


def verify(model, ids, expected, tolerance=1e-4):
    training = model.training
    #~ left-in-eval: training = False
    #~ left-in-training: training = True
    model.eval()
    #~ dropout-on:
    with torch.no_grad():
        #~ gradients-kept: if True:
        logits = model(ids)
    model.train(training)
    difference = (logits - expected).abs().max().item()
    #~ mean: difference = (logits - expected).abs().mean().item()
    #~ mean-square: difference = ((logits - expected) ** 2).mean().item()
    #~ signed: difference = (logits - expected).max().item()
    #~ sign-of-max: difference = abs(logits.max().item() - expected.max().item())
    #~ argmax-only: difference = (logits.argmax(-1) != expected.argmax(-1)).float().mean().item()
    #~ probabilities: difference = (logits.softmax(-1) - expected.softmax(-1)).abs().max().item()
    #~ each-relative: difference = ((logits - expected) / expected).abs().max().item()
    #~ last-position-only: difference = (logits[:, -1] - expected[:, -1]).abs().max().item()
    #~ first-text-only: difference = (logits[0] - expected[0]).abs().max().item()
    allowed = tolerance * expected.abs().max().item()
    #~ tolerance-absolute: allowed = tolerance
    #~ largest-with-sign: allowed = tolerance * expected.max().item()
    if not difference <= allowed:
        #~ no-error: if False:
        #~ nan-passes: if difference > allowed:
        raise ValueError(f"largest difference {difference}, allowed {allowed}")
    return difference
    #~ true-or-false: return difference <= allowed
    #~ relative-returned: return difference / expected.abs().max().item()
