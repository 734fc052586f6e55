"""Assemble the one file: imports, then each section's constants, functions and classes."""

import ast
import inspect
import textwrap
from functools import cache

from nextword.onefile import program
from nextword.onefile.contents import FIXED, IDENTITIES, LEFT_OUT, SECTIONS, TABLES, WRITTEN_OUT, Definition
from nextword.onefile.rewriting import WIDTH, Code, first_lines, inline, specialise, without

THIRD_PARTY = ("numpy", "regex", "torch")


def onefile() -> str:
    """Assemble GPT-2 in one file that imports nothing of this package."""
    everything = [one for ones in (*SECTIONS.values(), WRITTEN_OUT) for one in ones]
    modules = dict.fromkeys(inspect.getmodule(one) for one in everything)
    sources = [Code(inspect.getsource(module)) for module in modules if module]
    parts: list[str] = []
    known: set[str] = set()
    for title, ones in SECTIONS.items():
        texts = [definition(one) for one in ones]
        constants = {name: text for name, text in constants_of("\n".join(texts), sources).items() if name not in known}
        known |= constants.keys()
        first, *others = ["".join(constants.values()), *texts] if constants else texts
        parts += [f"# ---- {title} ----\n{first}", *others]
    parts.append(inline('if __name__ == "__main__":\n    main()\n', definition(program.main)))
    body = "\n\n".join(parts)
    return tidy(f'"""{program.__doc__}"""\n\n{imports_of(body, sources)}\n{body}')


def definition(one: Definition) -> str:
    """Write one function or class as the file has it."""
    text = specialised(one)
    for callee in WRITTEN_OUT:
        if f"{callee.__name__}(" in text:
            text = inline(text, specialised(callee))
    return first_lines(text)


@cache
def specialised(one: Definition) -> str:
    """Get the source of a function or class, without what the file leaves out."""
    text = textwrap.dedent(inspect.getsource(one))
    if isinstance(one, type):
        text = without(text, {*LEFT_OUT, *(callee.__name__ for callee in WRITTEN_OUT)})
    return specialise(text, FIXED, IDENTITIES, "self.ops", TABLES)


def names_in(text: str) -> set[str]:
    """Collect the names that a piece of source code uses."""
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def constants_of(text: str, sources: list[Code]) -> dict[str, str]:
    """Find the constants that a text uses, each after those it needs."""
    found: dict[str, str] = {}
    names = names_in(text)
    for source in sources:
        for statement in source.tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names and name not in found:
                    found = constants_of(source.of(value), sources) | found | {name: source.block([statement])}
    return found


def imports_of(text: str, sources: list[Code]) -> str:
    """Merge the modules' imports of what a text uses, but for those from this package."""
    names = names_in(text)
    members: dict[str, set[str]] = {}
    for statement in (statement for source in sources for statement in source.tree.body):
        match statement:
            case ast.Import(names=aliases):
                members |= {alias.name: set() for alias in aliases if alias.name in names}
            case ast.ImportFrom(module=str(module), names=aliases) if not module.startswith("nextword"):
                used = {alias.name for alias in aliases} & names
                if used:
                    members[f"from {module}"] = members.get(f"from {module}", set()) | used
    lines = [
        f"{module} import {', '.join(sorted(used, key=by_kind))}" if used else f"import {module}"
        for module, used in sorted(members.items(), key=lambda item: (bool(item[1]), item[0]))
    ]
    others = [line for line in lines if line.split()[1].split(".")[0] in THIRD_PARTY]
    return "\n".join([*(line for line in lines if line not in others), "", *others, ""])


def by_kind(name: str) -> tuple[int, str]:
    """Sort constants before classes, and these before all else, as ruff does."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def tidy(text: str) -> str:
    """Drop the comment beside a line that is too long with it."""
    lines = text.splitlines()
    return (
        "\n".join(line.rpartition("  # ")[0] if len(line) > WIDTH and "  # " in line else line for line in lines) + "\n"
    )
