"""Training as others do it: bfloat16 by autocast, eager, PyTorch's fused AdamW, gradients clipped, no dropout."""

import time

from nextword.bench.program import TrainingProgram

LR, BETAS, DECAY, CLIP = 3e-4, (0.9, 0.95), 0.1, 1.0


class Eager(TrainingProgram):
    """The loop; what differs is the model and how its loss is asked for. nextword's Trainer draws the same batches."""

    def model_and_loss(self, model):
        """A model to train, and a function (x, y) -> loss."""
        raise NotImplementedError

    def train(self, model, text, scratch, batch_size, window, n_steps, threads):
        import torch

        torch.set_num_threads(threads)
        network, loss_of = self.model_and_loss(model)
        network.train()
        parameters = [p for p in network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": DECAY},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=LR, betas=BETAS, fused=True)
        seconds, losses = [], []
        for x, y in batches(text, batch_size, window, n_steps):
            began = time.perf_counter()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = loss_of(x, y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds, "losses": losses}


class TransformersTraining(Eager):
    name = "transformers"
    needs = ("transformers",)

    def model_and_loss(self, model):
        from transformers import AutoModelForCausalLM

        none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        network = AutoModelForCausalLM.from_pretrained(model, **none)

        def loss_of(x, y):
            from torch.nn.functional import cross_entropy

            return cross_entropy(network(x, use_cache=False).logits.float().flatten(0, 1), y.flatten())

        return network, loss_of


class EagerRecipe(Eager):
    """nanoGPT's way of training, with nextword's model in nanoGPT's place."""

    name = "nanoGPT's recipe"

    def model_and_loss(self, model):
        from nextword.loading import load
        from nextword.train.setup import with_dropout

        # A loaded model's weights are transposed views of a file; nanoGPT's are in memory, in the order of their rows.
        network = with_dropout(load(model)[0], 0.0)

        def loss_of(x, y):
            from torch.nn.functional import cross_entropy

            return cross_entropy(network(x).flatten(0, 1), y.flatten())

        return network, loss_of


class NanoGPT(Eager):
    """A checkout of nanoGPT, whose folder NANOGPT names; its own random weights, so only its speed is compared."""

    name = "nanoGPT"

    def model_and_loss(self, model):
        import os
        import sys

        sys.path.insert(0, os.environ["NANOGPT"])
        from model import GPT, GPTConfig

        network = GPT(GPTConfig(vocab_size=50304, dropout=0.0, bias=True))
        return network, lambda x, y: network(x, y)[1]


def batches(text, batch_size, window, count):
    """The batches that nextword's Trainer draws from this text, with its defaults: pairs x, y (B, T)."""
    from nextword.data import Windows, batch, encode_corpus, read_corpus, split
    from nextword.tokenizer import Tokenizer

    ids, _ = split(encode_corpus(read_corpus((text,)), Tokenizer()), 0.03)
    windows = Windows(ids, window, window, "text")
    for index in range(count):
        yield batch(windows, batch_size, 1, index)
