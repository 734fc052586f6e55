CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
#~ nothing-transposed: CONV1D = ()
#~ square-untransposed: CONV1D = ("attn.c_attn.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
#~ mlp-untransposed: CONV1D = ("attn.c_attn.weight", "attn.c_proj.weight")
#~ only-c-attn: CONV1D = ("attn.c_attn.weight",)
#~ c-proj-untransposed: CONV1D = ("attn.c_attn.weight", "mlp.c_fc.weight")
#~ embeddings-transposed: CONV1D = ("attn.c_attn.weight", "c_proj.weight", "c_fc.weight", "wte.weight", "wpe.weight")


def from_huggingface(tensors):
    result = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("transformer.")
        #~ prefix-kept:
        #~ prefix-cut-blindly: old, name = name, name[len("transformer."):]
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            #~ masks-kept: if False:
            #~ masked-bias-kept: if name.endswith(".attn.bias"):
            #~ c-attn-bias-lost: if name.endswith(("attn.bias", "attn.masked_bias")):
            #~ biases-lost: if name.endswith("bias"):
            #~ prefix-cut-blindly: if old.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if name == "lm_head.weight":
            #~ head-kept: if False:
            #~ prefix-cut-blindly: if old == "lm_head.weight":
            continue
        if name.endswith(CONV1D):
            #~ prefix-cut-blindly: if old.endswith(CONV1D):
            tensor = tensor.t()
            #~ reshaped: tensor = tensor.view(tensor.shape[1], tensor.shape[0])
        result[name] = tensor
    return result
