from math import exp


def perplexity(losses: list[float], counts: list[int]) -> float:
    mean = sum(l * c for l, c in zip(losses, counts)) / sum(counts)
    #~ unweighted: mean = sum(losses) / len(losses)
    #~ losses-as-sums: mean = sum(losses) / sum(counts)
    #~ divided-by-pieces: mean = sum(l * c for l, c in zip(losses, counts)) / len(losses)
    #~ exp-of-sum: mean = sum(l * c for l, c in zip(losses, counts))
    return exp(mean)
    #~ base-2: return pow(2, mean)
    #~ exp-missing: return mean
    #~ inverse: return exp(-mean)
    #~ mean-of-exponentials: return sum(exp(l) * c for l, c in zip(losses, counts)) / sum(counts)
