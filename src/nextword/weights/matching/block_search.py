"""The search for a user model's blocks: like modules side by side, whatever their names."""

from nextword.config import GPTConfig
from nextword.weights.matching.blocks import is_norm
from nextword.weights.matching.places import MatchingError
from nextword.weights.matching.units import Node, Unit, all_parameters


def find_blocks(root: Node, config: GPTConfig) -> list[list[Unit]]:
    """Find the units of each block: n_layer like modules side by side, or like parts in lists."""
    n = config.n_layer
    levels = [root]
    singles: list[Node] = []
    while levels:
        for node in levels:
            groups: dict[tuple[tuple[int, ...], ...], list[Node]] = {}
            for child in node.children:
                groups.setdefault(signature(child), []).append(child)
            alike = [group for group in groups.values() if is_block(group[0].units(), config)]
            for group in alike:
                if len(group) == n:
                    return [member.units() for member in group]
                if len(group) > 1:
                    raise MatchingError(f"{len(group)} blocks instead of {n}")
                singles += group
        levels = [child for node in levels for child in node.children]
    if (side_by_side := zipped(root, n)) and is_block(side_by_side[0], config):
        return side_by_side
    if singles:  # one block that is gone through again and again
        return [singles[0].units()] * n
    raise MatchingError(f"no {n} like modules that could be blocks")


def zipped(root: Node, n: int) -> list[list[Unit]]:
    """Regroup blocks whose parts stand in several lists of n, layer by layer."""
    lists = [node.children for node in root.walk() if len(node.children) == n and node.units()]
    lists = [members for members in lists if len({signature(member) for member in members}) == 1]
    return [[unit for members in lists for unit in members[layer].units()] for layer in range(n)] if lists else []


def signature(node: Node) -> tuple[tuple[int, ...], ...]:
    """List the shapes of all parameters in a node, by which blocks are alike."""
    return tuple(sorted(tuple(parameter.tensor.shape) for parameter in all_parameters(node.units())))


def is_block(units: list[Unit], config: GPTConfig) -> bool:
    """Whether units could be one block: two matrices of an MLP, some of attention's, and LayerNorms.

    Where there is only one block, what holds it and the last LayerNorm must not be taken for it.
    """
    C = config.n_embd
    D = C // config.n_head
    matrices = [unit for unit in units if unit.weight is not None and unit.is_matrix]
    wide = [unit for unit in matrices if unit.weight is not None and set(unit.weight.shape) == {C, 4 * C}]
    rest = [unit for unit in matrices if unit not in wide]
    sizes = (C * C, 2 * C * C, 3 * C * C, C * D, 3 * C * D)
    norms = [unit for unit in units if is_norm(unit, config)]
    return (
        len(wide) == 2
        and bool(rest)
        and all(unit.size in sizes for unit in rest)
        and (len(norms) <= 2 or config.n_layer > 1)
    )


def shared_path(units: list[Unit]) -> str:
    """Find the path that all these units have in common, up to a dot."""
    first, last = min(unit.path for unit in units), max(unit.path for unit in units)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:n].rpartition(".")[0]
