import math


def perplexity(losses, counts):
    total, n = 0.0, 0
    for loss, count in zip(losses, counts):
        #~ unweighted: for loss, count in zip(losses, [1] * len(losses)):
        total += loss * count
        #~ mean-of-exponentials: total += math.exp(loss) * count
        #~ losses-as-sums: total += loss
        #~ inverse: total -= loss * count
        n += count
        #~ divided-by-pieces: n += 1
        #~ exp-of-sum: n = 1
    return math.exp(total / n)
    #~ mean-of-exponentials: return total / n
    #~ base-2: return 2 ** (total / n)
    #~ exp-missing: return total / n
