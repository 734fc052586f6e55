def greedy(logits):
    return [int(text[-1].argmax()) for text in logits]
