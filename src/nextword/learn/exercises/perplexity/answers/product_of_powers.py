def perplexity(losses, counts):
    """The geometric mean of 1 / p."""
    e, total = 2.718281828459045, sum(counts)
    product = 1.0
    for loss, count in zip(losses, counts, strict=True):
        product *= (e**loss) ** (count / total)
    return product
