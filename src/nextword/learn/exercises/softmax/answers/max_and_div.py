def softmax(x):
    values, _ = x.max(dim=-1, keepdim=True)
    #~ maximum-without-keepdim: values, _ = x.max(dim=-1)
    #~ mean-subtracted: values = x.mean(dim=-1, keepdim=True)
    #~ maximum-of-everything: values = x.flatten().max()
    #~ maximum-not-subtracted: values = 0.0
    x = (x - values).exp()
    #~ exp-missing:
    #~ softmin: x = (x.min(dim=-1, keepdim=True).values - x).exp()
    #~ not-divided:
    return x.div(x.sum(dim=-1, keepdim=True))
    #~ sum-of-everything: return x.div(x.sum())
    #~ sum-without-keepdim: return x.div(x.sum(dim=-1))
    #~ not-divided: return x.exp()
    #~ not-divided-by-the-sum: return x
