import torch

from parts import cross_entropy


def parallel_step(model, optimizer, ids, targets, clip, *, rank, ranks, all_reduce):
    share = len(ids) // ranks
    mine = slice(rank * share, (rank + 1) * share)
    #~ all-rows: mine = slice(0, len(ids))
    #~ first-rows: mine = slice(0, share)
    #~ one-row: mine = slice(rank, rank + 1)
    optimizer.zero_grad()
    #~ zero-missing:
    loss = cross_entropy(model(ids[mine]), targets[mine])
    loss.backward()
    #~ clipped-before: loss.backward()
    #~ clipped-before: torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    for p in model.parameters():
        #~ matrices-only: for p in [p for p in model.parameters() if p.dim() > 1]:
        #~ first-only: for p in list(model.parameters())[:1]:
        #~ not-shared: for p in []:
        all_reduce(p.grad)
        #~ weights-shared: all_reduce(p.data)
        p.grad /= ranks
        #~ summed: pass
        #~ divided-twice: p.grad /= ranks * ranks
        #~ weights-shared: p.data /= ranks
        #~ only-the-first-divides: p.grad /= ranks if rank == 0 else 1
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    #~ clip-missing:
    #~ clipped-before:
    #~ clip-divided: torch.nn.utils.clip_grad_norm_(model.parameters(), clip / ranks)
    optimizer.step()
    #~ only-the-first-steps: if rank == 0: optimizer.step()
    #~ step-missing:
    told = loss.detach().clone()
    #~ graph-kept: told = loss * 1.0
    all_reduce(told)
    #~ own-loss: told = loss.detach() * ranks
    return told.item() / ranks
    #~ loss-summed: return told.item()
    #~ graph-kept: return loss + (told.detach() / ranks - loss.detach())
