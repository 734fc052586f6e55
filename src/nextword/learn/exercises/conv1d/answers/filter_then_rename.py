import re
from torch import Tensor


def wanted(key: str) -> bool:
    if key.startswith("lm_head"):
        #~ head-kept: if False:
        return False
    return re.search(r"\.attn\.(masked_)?bias$", key) is None
    #~ masks-kept: return True
    #~ masked-bias-kept: return not key.endswith(".attn.bias")
    #~ c-attn-bias-lost: return not ("attn.bias" in key or "masked_bias" in key)
    #~ biases-lost: return not key.endswith("bias")


def is_conv1d(key: str, tensor: Tensor) -> bool:
    return "c_" in key and key.endswith("weight")
    #~ nothing-transposed: return False
    #~ square-untransposed: return "c_" in key and key.endswith("weight") and tensor.size(0) != tensor.size(1)
    #~ mlp-untransposed: return "attn" in key and key.endswith("weight")
    #~ only-c-attn: return key.endswith("c_attn.weight")
    #~ c-proj-untransposed: return key.endswith("weight") and ("c_attn" in key or "c_fc" in key)
    #~ embeddings-transposed: return tensor.ndim == 2


def from_huggingface(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    kept = {k: v for k, v in tensors.items() if wanted(k)}
    turned = {k: v.transpose(0, 1).contiguous() if is_conv1d(k, v) else v for k, v in kept.items()}
    #~ reshaped: turned = {k: v.reshape(v.shape[::-1]) if is_conv1d(k, v) else v for k, v in kept.items()}
    return {k.replace("transformer.", ""): v for k, v in turned.items()}
    #~ prefix-kept: return turned
    #~ prefix-cut-blindly: return {k[12:]: v for k, v in turned.items()}
