"""Examine a model's parameters and buffers: tied or not, whole or not, saved or not."""

import re
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from nextword.doctor.answers import UserGPT, fixed_positions
from nextword.doctor.findings import Finding, Findings, Level, Location
from nextword.doctor.locations import classes_of, lines_in
from nextword.doctor.parameter_count import GPT2, count, generic, numbers_in
from nextword.doctor.source import Source
from nextword.learn.checker.catalogue import network_mistakes
from nextword.learn.checker.lines import Line, line
from nextword.learn.fixtures.fixture import CONFIG
from nextword.weights.matching import MatchingError, match_parameters
from nextword.weights.matching.places import Piece, patterns
from nextword.weights.matching.units import take_apart


def look_at_structure(user_gpt: UserGPT, source: Source) -> Findings:
    """All that parameters show without computing anything."""
    found = Findings()
    fresh = user_gpt.fresh()
    found.add(plain_lists(user_gpt, source))
    found.add(head(user_gpt, fresh, source))
    found.add(missing(user_gpt, source))
    found.add(count(user_gpt))
    found.add(masks(user_gpt, fresh, source))
    return found


def of_mistake(
    name: str, level: Level, evidence: Iterable[Line], place: Location | None = None, parameters: tuple[str, ...] = ()
) -> Finding:
    """A mistake that the exercises know, in their words, as a finding."""
    mistake = network_mistakes()[name]
    return Finding(level, name, mistake.equals, tuple(evidence), mistake.remedy, mistake.why, place, parameters)


def plain_lists(user_gpt: UserGPT, source: Source) -> Findings:
    """Blocks of which PyTorch does not know."""
    stray = [node for node in take_apart(user_gpt.module, CONFIG).walk() if not node.registered and node.path]
    if not stray:
        return Findings()
    pieces = [piece for places in user_gpt.matching.places.values() for piece in places]
    every = {id(piece.parameter): piece.parameter.numel() for piece in pieces}
    known = sum(parameter.numel() for parameter in user_gpt.module.parameters())
    evidence = line(f"PyTorch knows of {known:,} of the {sum(every.values()):,} numbers that are to learn.")
    name = stray[0].path
    place = lines_in([type(user_gpt.module)], rf"{re.escape(name)} *=", source)
    finding = of_mistake("blocks-in-a-list", "wrong", (evidence,), place)
    return Findings.one(replace(finding, remedy=finding.remedy.replace("self.h ", f"self.{name} ")))


def head(user_gpt: UserGPT, fresh: nn.Module, source: Source) -> Findings:
    """Describe the head: tied to the embedding, a copy, or separate; and its bias."""
    matching = match_parameters(fresh, CONFIG)
    wte = user_gpt.matching.places["wte.weight"][0].name
    found = Findings()
    names = [name for name in (matching.own_head, *(piece.name for piece in matching.zeros)) if name]
    parts = [part for part in "".join(names[:1]).split(".") if part not in ("weight", "bias") and not part.isdigit()]
    attribute = parts[-1] if parts else "head"
    place = lines_in([type(fresh)], rf"\b{attribute}\b[^=(]*=[^=]", source, anywhere=False)
    if matching.own_head is None:
        found.sound.append("the head is tied to the embedding")
    elif torch.equal(matching.head[0].view().reshape(-1), matching.export()["wte.weight"].reshape(-1)):
        evidence = line(f"{matching.own_head} equals {wte}, and is another parameter.")
        found.findings.append(of_mistake("head-copied", "wrong", (evidence,), place, (matching.own_head,)))
    else:
        finding = Finding(
            level="look",
            name="head-untied",
            title="the head has weights of its own",
            evidence=(line("At GPT-2's size that is 38,597,376 parameters more (50,257 x 768)."),),
            remedy=f"To tie them, {tie(matching.head[0], wte)}. Or leave it, if neither GPT-2's own weights nor its "
            "number of parameters are wanted.",
            why="GPT-2 scores a token by its embedding, and its checkpoint has nothing else for that. A model is sound "
            "without, and many later ones are made so. To write with official weights, give the head wte's numbers.",
            place=place,
            parameters=(matching.own_head,),
        )
        found.findings.append(finding)
    if matching.zeros:
        name = matching.zeros[0].name
        evidence = line(f"{name}: {CONFIG.n_vocab} numbers here, {GPT2.n_vocab:,} at GPT-2's size.")
        found.findings.append(replace(of_mistake("head-bias", "look", (evidence,), place, (name,)), title=HEAD_BIAS))
    return found


def tie(head: Piece, wte: str) -> str:
    """Write the line of code that ties a head to the embedding."""
    if head.how == "transposed":
        return f"take x @ {as_code(wte)}.T for logits, and leave {as_code(head.name)} out"
    return f"add in __init__, after both are made: {as_code(head.name)} = {as_code(wte)}"


def as_code(name: str) -> str:
    """A parameter's name as one writes it in __init__: head.1.weight -> self.head[1].weight"""
    return "self." + re.sub(r"\.(\d+)", r"[\1]", name)


HEAD_BIAS = "the head has a bias"

ABSENCES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "biases-missing": (
        ("attn.c_attn.bias", "attn.c_proj.bias", "mlp.c_fc.bias", "mlp.c_proj.bias"),
        "linear layers have no biases",
        "mlp",
    ),
    "qkv-bias-missing": (("attn.c_attn.bias",), "queries, keys and values have no bias", "heads"),
    "projection-bias-missing": (("attn.c_proj.bias",), "attention's projection has no bias", "attention"),
    "fc-bias-missing": (("mlp.c_fc.bias",), "the MLP's first layer has no bias", "mlp"),
    "mlp-projection-bias-missing": (("mlp.c_proj.bias",), "the MLP's second layer has no bias", "mlp"),
    "norm-bias-missing": (("ln_1.bias", "ln_2.bias", "ln_f.bias"), "LayerNorms have no bias", "layer_norm"),
    "norm-weight-missing": (("ln_1.weight", "ln_2.weight", "ln_f.weight"), "LayerNorms do not scale", "layer_norm"),
}
"""Names of findings -> the tensors that are not there, a title, and in which part of the code."""


def missing(user_gpt: UserGPT, source: Source) -> Findings:
    """Which of GPT-2's tensors have no place: another design, but official weights cannot be loaded whole."""
    found = Findings()
    left = dict.fromkeys(map(generic, user_gpt.matching.missing))
    if not left and not user_gpt.matching.extra:
        found.sound.append(f"all {len(user_gpt.matching.shapes)} of GPT-2's tensors have a place in it")
    for name, (endings, title, part) in ABSENCES.items():
        kinds = [kind for kind in left if kind.endswith(endings)]
        if {kind.removeprefix("h.*.") for kind in kinds} != set(endings):
            continue
        left = {kind: None for kind in left if kind not in kinds}
        has_flag = source.file is not None and "qkv_bias" in source.file.read_text(encoding="utf-8", errors="replace")
        how = " (qkv_bias=True)" if name == "qkv-bias-missing" and has_flag else ""
        numbers = sum(numbers_in(kind, GPT2) for kind in kinds)
        finding = Finding(
            level="fine",
            name=name,
            title=title,
            evidence=(line(f"GPT-2 has {', '.join(kinds)}: {numbers:,} numbers at its size."),),
            remedy=f"Leave it so, if it is to be trained from random weights. GPT-2's own weights need them{how}: "
            "without, they compute something else.",
            why="Many later models do without, and lose nothing.",
            place=lines_in(
                classes_of(part, user_gpt.module, user_gpt.matching),
                "norm" if "norm" in name else "bias|Linear",
                source,
            ),
        )
        found.findings.append(finding)
    if "wpe.weight" in left and fixed_positions(user_gpt.module, torch.zeros(CONFIG.n_ctx, CONFIG.n_embd)).any():
        finding = Finding(
            level="fine",
            name="positions-fixed",
            title="positions are computed, and not learned",
            evidence=(line("GPT-2 has wpe.weight: 786,432 numbers at its size."),),
            remedy="Leave it so, if it is to be trained from random weights. GPT-2's own weights need the table.",
            why="The first Transformer took sines. GPT-2 learns a vector for each position.",
            place=lines_in([type(user_gpt.module)], r"\bpos|\bpe\b|sin|cos", source),
        )
        found.findings.append(finding)
    if user_gpt.matching.extra:
        names = patterns(list(user_gpt.matching.extra))
        finding = Finding(
            level="look",
            name="extra-parameters",
            title="it has parameters that GPT-2 does not have",
            evidence=(line(f"{', '.join(names[:6])}{' ...' if names[6:] else ''}."),),
            remedy="If they are meant, leave them. Official weights have nothing for them.",
            parameters=tuple(names),
        )
        found.findings.append(finding)
    return found


def masks(user_gpt: UserGPT, fresh: nn.Module, source: Source) -> Findings:
    """Masks that are saved with the weights."""
    learned = {name for name, p in fresh.named_parameters(remove_duplicate=False) if p.requires_grad}
    saved = {name: t for name, t in fresh.state_dict().items() if name not in learned and is_mask(t)}
    if not saved:
        return Findings()
    names, (name, example) = patterns(list(saved)), next(iter(saved.items()))
    each = len(saved) / CONFIG.n_layer
    n = round(each * GPT2.n_layer * (GPT2.n_head / CONFIG.n_head if each >= CONFIG.n_head else 1))
    size = n * example.element_size() * GPT2.n_ctx**2 / 2**20
    finding = Finding(
        level="look" if size > 200 else "fine",
        name="masks-saved",
        title="masks are saved with the weights",
        evidence=(line(f"{', '.join(names)}: {n} of 1,024 x 1,024 at GPT-2's size, {size:,.0f} MiB."),),
        remedy=f"register_buffer({name.rpartition('.')[2]!r}, ..., persistent=False) leaves them out of checkpoints; "
        "or make the mask in forward.",
        why="It works, and takes room in every checkpoint. Weights that come without them then load only with "
        "strict=False, which hides other mistakes.",
        place=lines_in(classes_of("heads", user_gpt.module, user_gpt.matching), "register_buffer|Parameter", source),
        parameters=tuple(names),
    )
    return Findings.one(finding)


def is_mask(tensor: Tensor) -> bool:
    """Whether a tensor is as large as a mask for the longest text."""
    return tensor.dim() >= 2 and tuple(tensor.shape[-2:]) == (CONFIG.n_ctx, CONFIG.n_ctx)


def unlike_gpt2(module: nn.Module, source: Source, error: MatchingError) -> Finding:
    """Why parameters are not GPT-2's: another number of blocks, an MLP of another width, or something else."""
    blocks = lines_in([type(module)], r"range|for .* in", source)
    for n_layer in (CONFIG.n_layer - 1, CONFIG.n_layer + 1):
        try:
            match_parameters(module, replace(CONFIG, n_layer=n_layer))
        except MatchingError:
            continue
        evidence = line(f"Asked for {CONFIG.n_layer} blocks, it makes {n_layer}.")
        finding = of_mistake("block-missing", "wrong", (evidence,), blocks)
        if n_layer < CONFIG.n_layer:
            return finding
        return replace(finding, name="block-extra", title="a GPT with one block too many", why="")
    C = CONFIG.n_embd
    shapes = {name: set(p.shape) for name, p in module.named_parameters() if p.dim() == 2}
    for factor in (1, 2, 3, 6, 8):
        inner = [name for name, shape in shapes.items() if shape == {C, factor * C} and re.search("mlp|ff|feed", name)]
        if inner and not any(shape == {C, 4 * C} for shape in shapes.values()):
            evidence = line(f"{', '.join(patterns(inner))}: {factor * C} wide inside, where C = {C}.")
            finding = of_mistake(f"width-{'' if factor == 1 else '2'}c", "wrong", (evidence,), None, tuple(inner))
            if factor <= 2:
                return finding
            return replace(finding, name="width", title=f"an MLP whose inner layer is {factor} C wide")
    return Finding(
        level="wrong",
        name="not-recognised",
        title="its parameters are not GPT-2's",
        evidence=(line(str(error)),),
        remedy="Compare its parts with GPT-2's. What could be tried without knowing them is here as well.",
        why="Without knowing which parameter is which, no numbers of GPT-2's can be put in and compared.",
    )
