"""Locate a mistake in a user's code: the class with the part, and likely lines of it."""

import ast
import inspect
import io
import re
import tokenize
from functools import lru_cache
from pathlib import Path

from torch import nn

from nextword.doctor.findings import Location
from nextword.doctor.source import Source, lines_of
from nextword.learn.checker.comparing import NOT_THEIRS
from nextword.learn.checker.track import TRACK
from nextword.weights.matching import Matching
from nextword.weights.matching.places import patterns

PARTS = {
    "heads": ("h.0.attn.c_attn.weight",),
    "attention": ("h.0.attn.c_attn.weight", "h.0.attn.c_proj.weight"),
    "output": ("h.0.attn.c_attn.weight", "h.0.attn.c_proj.weight"),
    "mlp": ("h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight"),
    "block": ("h.0.ln_1.weight", "h.0.attn.c_attn.weight", "h.0.mlp.c_fc.weight"),
    "layer_norm": ("ln_f.weight",),
    "gpt": (),
}
"""A part -> parameters by which it is found: the smallest module that has them all."""

PATTERNS = (
    (r"^scale-missing", r"softmax|scaled_dot_product|@ *k"),
    (r"^scale|^embedding-scaled|^scaled-logits", r"sqrt|\*\* ?\(?-? ?0?\.5|scale|\bsqrt\b"),
    (r"^mask-after|^softmax-over", r"softmax"),
    (r"^mask", r"mask|tril|triu|is_causal|inf\b|-1e"),
    (r"^(split|merge|heads|one-head|qkv-per)", r"view|reshape|rearrange|transpose|permute|chunk|split|unflatten"),
    (r"^order", r"chunk|split|\bq, *k|\bk, *q|\bq, *v|unbind|quer|key"),
    (r"^projection", r"proj|return"),
    (r"dropout-in-eval$", r"dropout\(|dropout_p|train\("),
    (r"^layer_norm\.(unbiased|root)", r"\bvar\b|\bstd\b|sqrt|var\(|std\("),
    (r"^layer_norm\.eps|^eps=", r"eps|1e-"),
    (r"^layer_norm\.(wrong-axis|whole)", r"mean\(|var\(|std\("),
    (r"^layer_norm", r"return|norm"),
    (r"^gelu\.", r"tanh|0\.5\b|044715|pow\(|\*\* ?3"),
    (r"gelu$|^relu|^silu|^activation", r"gelu|relu|silu|tanh|erf|sigmoid"),
    (r"^final-norm", r"ln_f|final|norm"),
    (r"norm|residual|^parallel|^mlp-first", r"norm|\bln|\+"),
    (r"^positions|^keeps", r"pos|arange|wpe|block_size|context|n_ctx"),
    (r"^block|^last-block", r"for .*in|blocks|layers|\.h\b"),
    (r"^softmax-applied|^log-softmax", r"softmax"),
)
"""What a mistake's name begins with -> what stands in the lines where it is made."""

N_LINES = 2


def part_of(mistake: str) -> str:
    """Which part of the model a mistake is made in."""
    if mistake.startswith(("layer_norm.", "eps=")):
        return "layer_norm"
    if mistake.startswith(("projection", "merge", "output", "attention-residual")):
        return "output"
    if mistake.startswith("gelu."):
        return "bend"
    for name in ("attention", "mlp", "block"):
        if name in TRACK.names and mistake in {known.name for known in TRACK[name].mistakes}:
            return name
    return "gpt"


def place_of(mistake: str, module: nn.Module, matching: Matching, source: Source) -> Location | None:
    """Where a mistake may stand in a user model's code."""
    return lines_in(classes_of(part_of(mistake), module, matching), pattern_of(mistake), source)


def pattern_of(mistake: str) -> str:
    """Patterns of code for the lines of each mistake."""
    return next((lines for names, lines in PATTERNS if re.search(names, mistake)), "def forward")


def classes_of(part: str, module: nn.Module, matching: Matching) -> list[type]:
    """Find a part's classes in a user model: the smallest, its components, and its owners."""
    if part == "bend":
        return bends(module, matching)
    parts = {"attention": ("heads", "attention"), "gpt": ()}.get(part, (part,))
    return list(
        dict.fromkeys([*(class_of(one, module, matching) for one in parts), *([type(module)] if not parts else [])])
    )


def bends(module: nn.Module, matching: Matching) -> list[type]:
    """The user model's own activations: modules without parameters that stand with the MLP's."""
    mlp = class_of("mlp", module, matching)
    holder = next((part for part in module.modules() if type(part) is mlp), module)
    own = [type(part) for part in holder.modules() if is_theirs(type(part)) and not list(part.parameters())]
    return [cls for cls in dict.fromkeys(own) if not issubclass(cls, nn.Dropout)] or [mlp]


def class_of(part: str, module: nn.Module, matching: Matching) -> type:
    """The smallest of the user model's classes that has a part's parameters."""
    names = [places[0].name for ours in PARTS[part] if (places := matching.places.get(ours))]
    paths = [name.split(".")[:-1] for name in names]
    common = list(paths[0]) if paths else []
    for path in paths:
        while path[: len(common)] != common:
            common.pop()
    while common:
        found = reach(module, common)
        if found is not None and is_theirs(type(found)):
            return type(found)
        common.pop()
    return type(module)


def reach(module: nn.Module, path: list[str]) -> nn.Module | None:
    """The module at a path, which may lead through plain lists and dictionaries."""
    found: object = module
    for name in path:
        if isinstance(found, list | tuple):
            found = found[int(name)]
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            found = getattr(found, name, None)
    return found if isinstance(found, nn.Module) else None


def is_theirs(cls: type) -> bool:
    """Whether a class was written by the user, and is not PyTorch's."""
    return not cls.__module__.startswith(("torch.", "builtins"))


def lines_in(classes: list[type], pattern: str, source: Source, anywhere: bool = True) -> Location | None:
    """Find the first lines that match a pattern, in these classes or in the whole file."""
    place = None
    for cls in dict.fromkeys(base for one in classes for base in one.__mro__ if is_theirs(base)):
        try:
            written, first = lines_of(cls)
            file = Path(inspect.getsourcefile(cls) or "")
        except (OSError, TypeError):
            continue
        installed = any(folder in file.parents for folder in NOT_THEIRS[1:])
        found = [] if installed else matching("".join(written), pattern, first)
        place = place or Location(cls.__name__, "" if installed else file.name)
        if found:
            return Location(cls.__name__, file.name, tuple(found[:N_LINES]))
    if anywhere and place is not None and place.file and source.file is not None and source.file.suffix == ".py":
        found = in_functions(source.file.read_text(encoding="utf-8-sig", errors="replace"), pattern)
        if found:
            return Location("", source.file.name, tuple(found[:N_LINES]))
    return place


def in_functions(text: str, pattern: str) -> list[tuple[int, str]]:
    """The lines of a file's functions outside of classes that have something in them."""
    lines = text.splitlines(keepends=True)
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found += matching("".join(lines[node.lineno - 1 : node.end_lineno]), pattern, node.lineno)
    return found


def matching(text: str, pattern: str, first: int) -> list[tuple[int, str]]:
    """Find the lines of code that match a pattern, in forward before the constructor."""
    code = without_comments(text)
    expression = re.compile(pattern, re.IGNORECASE if pattern.islower() else 0)
    forward: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    inside = ""
    for number, (bare, line) in enumerate(zip(code, text.splitlines(), strict=False), first):
        stripped = bare.strip()
        if stripped.startswith(("def ", "class ")):
            inside = stripped
            continue
        if not stripped or stripped.startswith(("import ", "from ", "super().__init__")):
            continue
        if expression.search(stripped):
            (others if "__init__" in inside else forward).append((number, line.strip()))
    return forward + others


@lru_cache(maxsize=64)
def without_comments(text: str) -> list[str]:
    """The lines of some code with texts and comments left empty."""
    lines = text.splitlines()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(inspect.cleandoc("\n" + text) + "\n").readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return [line.partition("#")[0] for line in lines]
    cut = list(lines)
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row = token.start[0] - 1
            cut[row] = cut[row].partition("#")[0]
        elif token.type == tokenize.STRING and token.start[0] != token.end[0]:
            for row in range(token.start[0] - 1, token.end[0]):
                cut[row] = ""
    return cut


NAMES = {
    "c_attn": "attn.c_attn.weight",
    "c_fc": "mlp.c_fc.weight",
    "ln_1": "ln_1.weight",
    "ln_2": "ln_2.weight",
    "ln_f": "ln_f.weight",
    "wte": "wte.weight",
    "wpe": "wpe.weight",
}
"""What exercises call parameters -> the ends of their whole names."""


def legend(text: str, part: str, matching: Matching) -> str:
    """Translate the parameter names in a text into the user model's; "" where by the same names."""
    endings = NAMES | {"c_proj": "mlp.c_proj.weight" if part == "mlp" else "attn.c_proj.weight"}
    told = []
    for name in dict.fromkeys(re.findall(r"\b[a-z]+_?[a-z0-9]+\b", text)):
        if name not in endings:
            continue
        every = matching.parameters().items()
        pieces = [their for ours, names in every if ours.endswith(endings[name]) for their in names]
        theirs = [one.removesuffix(".weight") for one in patterns(pieces)]
        if theirs and not any(one.rpartition(".")[2] == name for one in theirs):
            told.append(f"{name} is {' and '.join(theirs[:3])}")
    return f"Here {', '.join(told)}." if told else ""
