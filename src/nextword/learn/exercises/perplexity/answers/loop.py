import math


def perplexity(losses, counts):
    total, n = 0.0, 0
    for loss, count in zip(losses, counts):
        total += loss * count
        #~ mean-of-exponentials: total += math.exp(loss) * count
        #~ unweighted: total += loss
        #~ losses-as-sums: total += loss
        #~ inverse: total -= loss * count
        n += count
        #~ unweighted: n += 1
        #~ divided-by-pieces: n += 1
    return math.exp(total / n)
    #~ mean-of-exponentials: return total / n
    #~ base-2: return 2 ** (total / n)
    #~ exp-missing: return total / n
    #~ exp-of-sum: return math.exp(total)
