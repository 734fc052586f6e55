import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LoRALinear(nn.Linear):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__(linear.in_features, linear.out_features, bias=linear.bias is not None)
        self.load_state_dict(linear.state_dict())
        self.requires_grad_(False)
        self.down = nn.Linear(linear.in_features, rank, bias=False)
        #~ factors-with-bias: self.down = nn.Linear(linear.in_features, rank)
        self.up = nn.Linear(rank, linear.out_features, bias=False)
        #~ factors-with-bias: self.up = nn.Linear(rank, linear.out_features)
        nn.init.zeros_(self.up.weight)
        self.alpha_over_rank = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias) + self.up(self.down(x)) * self.alpha_over_rank

    def merge(self) -> nn.Linear:
        plain = nn.Linear(self.in_features, self.out_features)
        with torch.no_grad():
            plain.weight.copy_(self.weight + self.alpha_over_rank * self.up.weight @ self.down.weight)
            plain.bias.copy_(self.bias)
        return plain
