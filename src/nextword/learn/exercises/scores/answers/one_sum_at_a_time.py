def attention_scores(q, k):
    products = q.unsqueeze(3) * k.unsqueeze(2)
    return products.sum(-1) / q.size(-1) ** 0.5
