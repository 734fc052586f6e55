import numpy as np


def perplexity(losses, counts):
    return np.exp(np.average(losses, weights=counts))
    #~ mean-of-exponentials: return np.average(np.exp(losses), weights=counts)
    #~ unweighted: return np.exp(np.mean(losses))
    #~ base-2: return np.exp2(np.average(losses, weights=counts))
    #~ exp-missing: return np.average(losses, weights=counts)
    #~ inverse: return np.exp(-np.average(losses, weights=counts))
