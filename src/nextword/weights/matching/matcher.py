"""Matching of a whole user model, or of a part: blocks, tables and head, then each block."""

from dataclasses import asdict

import torch
from torch import nn

from nextword.config import GPTConfig
from nextword.weights.matching.attention import attention
from nextword.weights.matching.block_search import find_blocks, shared_path
from nextword.weights.matching.blocks import block, is_norm, layer_norm, mlp
from nextword.weights.matching.matrices import Found, Orientation
from nextword.weights.matching.observation import Observation
from nextword.weights.matching.places import Matching, MatchingError, Piece, Places, listing, our_shapes
from nextword.weights.matching.tables import tables
from nextword.weights.matching.units import Node, all_parameters, take_apart

KINDS = ("gpt", "block", "attention", "mlp", "layer_norm")
"""What can be matched: a whole GPT-2, or a part of it."""

FINAL = {"f", "final", "last", "out", "end", "head"}

WHAT = {
    "gpt": "token and position tables of {V} x {C} and {N} x {C}, {L} blocks, each with attention ({C} x {C} or "
    "{C} x 3 {C}, in {H} heads) and an MLP ({C} x {F}), and a LayerNorm at the end",
    "block": "attention ({C} x {C} or {C} x 3 {C}, in {H} heads), an MLP ({C} x {F}), and two LayerNorms of {C}",
    "attention": "queries, keys and values ({C} x 3 {C}, three of {C} x {C}, or three a head), and a projection "
    "of {C} x {C}",
    "mlp": "two matrices, {C} x {F} and {F} x {C}",
    "layer_norm": "a weight and a bias of {C} numbers",
}


def match_parameters(module: nn.Module, config: GPTConfig, kind: str = "gpt") -> Matching:
    """Match a user model's parameters to GPT-2's; change none.

    kind: what the module is, one of `KINDS`; config: the shape that it was
    built with. Its forward pass is run, once or twice, only where structure,
    shapes and names leave something open, and may fail. Neither which third of
    a fused matrix is used as what nor whether a name is true is looked into: a
    user model that mixes up queries and keys is matched as it calls them, and
    goes on to be wrong. Raises MatchingError where there is no such GPT-2 in it.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    root = take_apart(module, config)
    units = root.units()
    observed = Observation(module, [named.tensor for named in all_parameters(units)], config, kind)
    way = Orientation(units, config, observed)
    found = Found({}, [])
    head: tuple[Piece, ...] = ()
    zeros: tuple[Piece, ...] = ()
    try:
        if kind == "gpt":
            head, zeros = whole(root, config, way, observed, found)
        elif kind == "block":
            block(units, config, way, observed, "", found)
        elif kind == "attention":
            attention(units, config, way, observed, "", found)
        elif kind == "mlp":
            mlp(units, config, way, "", found)
        else:
            norms = [unit for unit in units if is_norm(unit, config)]
            if len(norms) != 1:
                raise MatchingError(f"{len(norms)} pairs of {config.n_embd} numbers")
            layer_norm(norms[0], "", found)
            found.places = {name.removeprefix("."): pieces for name, pieces in found.places.items()}
            found.notes = [note.strip() for note in found.notes]
    except MatchingError as error:
        raise MatchingError(refusal(error, module, config, kind)) from None
    if any(not node.registered for node in root.walk()):
        stray = next(node.path for node in root.walk() if not node.registered)
        found.note(f"{stray} is a plain list: PyTorch does not know the parameters in it")
    check_sizes(found.places, config, kind, module)
    used = {id(p.parameter) for pieces in (*found.places.values(), head, zeros) for p in pieces}
    extra = [n for n in all_parameters(units) if id(n.tensor) not in used]
    if extra:
        found.note(f"what GPT-2 does not have ({', '.join(n.name for n in extra[:4])}{' ...' if extra[4:] else ''})")
    return Matching(
        shapes=our_shapes(config, kind),
        places=found.places,
        notes=tuple(found.notes),
        own_head=head[0].name if head else None,
        extra=tuple(n.name for n in extra),
        head=head,
        zeros=zeros,
    )


def check_sizes(places: Places, config: GPTConfig, kind: str, module: nn.Module) -> None:
    """Raise MatchingError unless each piece has as many numbers as its place."""
    for name, shape in our_shapes(config, kind).items():
        for piece in places.get(name, ()):
            expected = torch.empty(shape, device="meta")[piece.rows].numel()
            if piece.view().numel() != expected:
                wrong = f"{piece.name} in the place of {name}, which has {expected} numbers"
                raise MatchingError(refusal(MatchingError(wrong), module, config, kind))


def refusal(error: MatchingError, module: nn.Module, config: GPTConfig, kind: str) -> str:
    """Describe a failed match: the parameters expected and found, and what to do."""
    C = config.n_embd
    sizes = {"V": config.n_vocab, "N": config.n_ctx, "C": C, "F": 4 * C, "L": config.n_layer, "H": config.n_head}
    given = ", ".join(f"{key} {size}" for key, size in asdict(config).items() if key != "dropout")
    name = {"gpt": "GPT-2", "layer_norm": "LayerNorm", "mlp": "MLP"}.get(kind, f"GPT-2's {kind}")
    return (
        f"{type(module).__name__} is not recognised as {name} of this shape: expected {WHAT[kind].format(**sizes)}; "
        f"found {error} ({listing(module)}). Check that it was built with these sizes ({given}) and"
        " that its layers are attributes of it, or stand in an nn.ModuleList."
    )


def whole(
    root: Node, config: GPTConfig, way: Orientation, observed: Observation, found: Found
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Match all of a GPT-2 -> its own head's pieces, and those that `load` sets to zero."""
    blocks = find_blocks(root, config)
    inside = {id(p.tensor) for group in blocks for p in all_parameters(group)}
    outside = [unit for unit in root.units() if not {id(p.tensor) for p in all_parameters([unit])} & inside]
    first, last = ({id(named.tensor) for named in all_parameters(units)} for units in (blocks[0], blocks[-1]))
    if config.n_layer > 1 and first & last:
        found.note(f"all {config.n_layer} blocks share one block's parameters")
    ends = tables(outside, config, found)
    norms = [unit for unit in outside if is_norm(unit, config)]
    final = [unit for unit in norms if FINAL & set(unit.words())]
    final = final or [unit for unit in norms if "emb" not in unit.path] or norms
    layer_norm(final[-1] if final else None, "ln_f", found)
    for layer, units in enumerate(blocks):
        inner = Found({}, found.notes)
        block(units, config, way, observed, shared_path(units), inner)
        found.places |= {f"h.{layer}.{name}": pieces for name, pieces in inner.places.items()}
    return ends
