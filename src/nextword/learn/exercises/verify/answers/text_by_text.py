import math
import torch


def verify(model, ids, expected, tolerance=1e-4):
    """One text at a time, which needs less memory."""
    was = model.training
    model.train(False)
    worst = 0.0
    with torch.no_grad():
        for text, right in zip(ids, expected):
            gap = float((model(text[None])[0].double() - right.double()).abs().max())
            worst = gap if math.isnan(gap) or math.isnan(worst) else max(worst, gap)
    model.train(was)
    if math.isnan(worst) or worst > tolerance * float(expected.abs().max()):
        raise ValueError(f"the logits differ by {worst}")
    return worst
