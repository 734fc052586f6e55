"""Source code made simpler, without a change of what it computes.

A rule looks at one node of the syntax tree and says what should stand in its
place. One change is made at a time, and the text parsed anew, so that comments
and layout stay as they are wherever nothing changes.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import Any

WIDTH = 120  # of a line, as everywhere in the package

Change = tuple[int, int, str]
"""Where a piece of text begins and ends, and what to put in its place."""


class Code:
    """Source code, its syntax tree, and which piece of the one each node of the other is."""

    def __init__(self, text: str):
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def place(self, line: int, column: int) -> int:
        """Find what the tree gives as a line, from 1, and a column, in bytes."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: Any) -> tuple[int, int]:
        """Find where a node begins and ends."""
        return self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset)

    def of(self, node: ast.AST) -> str:
        """Give a node's text."""
        start, end = self.span(node)
        return self.text[start:end]

    def block(self, statements: list[ast.stmt]) -> str:
        """Give whole lines: those of statements and the comments above them, less their indentation."""
        if not statements:
            return ""
        return textwrap.dedent("".join(self.lines[self.above(statements[0]) : statements[-1].end_lineno]))

    def above(self, statement: ast.stmt) -> int:
        """Find the index of a statement's first line, with the decorators and comments above it."""
        line = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))]) - 1
        while line and self.lines[line - 1].lstrip().startswith("#"):
            line -= 1
        return line

    def put(self, statement: ast.stmt, block: str) -> Change:
        """Put whole lines in the place of a statement and of the comments above it."""
        indented = textwrap.indent(block, " " * statement.col_offset)
        return self.starts[self.above(statement)], self.starts[statement.end_lineno or 0], indented


def rewrite(text: str, rule: Callable[[ast.AST, Code], Change | None]) -> str:
    """Apply a rule wherever it has something to say, until it has nothing more."""
    while True:
        source = Code(text)
        changes = [change for node in ast.walk(source.tree) if (change := rule(node, source))]
        if not changes:
            return text
        text = changed(text, changes)


def changed(text: str, changes: list[Change]) -> str:
    """Make changes at once; of those that overlap, only the outer one."""
    pieces, reached = [], 0
    for start, end, new in sorted(changes, key=lambda change: (change[0], -change[1])):
        if start >= reached:
            pieces += [text[reached:start], new]
            reached = end
    return "".join(pieces) + text[reached:]


def specialise(
    text: str,
    fixed: Mapping[str, Any],
    identities: Collection[str],
    namespace: str,
    tables: Mapping[str, str] | None = None,
) -> str:
    """Write a definition for given values of some names, which then are no longer there.

    fixed: names to values. Parameters, arguments, variables and attributes of
    these names go, and conditions on them alone are decided.
    identities: functions that here do nothing to their first argument.
    namespace: what functions are looked up in which go by their own names here.
    tables: attributes, as they are written, and what stands for them here.
    Checks, which raise or do nothing, are left out.
    """

    def rule(node: ast.AST, source: Code) -> Change | None:
        match node:
            case ast.If(body=[ast.Raise()], orelse=[]):
                return source.put(node, "")
            case ast.If() if (value := decided(node.test, fixed)) is not None:
                return source.put(node, source.block(node.body if value else node.orelse))
            case ast.IfExp() if (value := decided(node.test, fixed)) is not None:
                return (*source.span(node), source.of(node.body if value else node.orelse))
            case ast.Assign(targets=targets, value=value) if all(name_of(target) in fixed for target in targets):
                if not isinstance(value, ast.Call) or source.of(value.func) in identities:
                    return source.put(node, "")
            case ast.Assign(targets=[ast.Name(id=name)]) if not any(reads(one, name) for one in ast.walk(source.tree)):
                return source.put(node, "")
            case ast.AnnAssign(target=target) if name_of(target) in fixed:
                return source.put(node, "")
            case ast.Expr(value=ast.Constant()) if not source.text[: source.span(node)[0]].rstrip().endswith(":"):
                return source.put(node, "")  # about a variable
            case ast.Expr(value=ast.Call(func=function)) if source.of(function) in identities:
                return source.put(node, "")
            case ast.Call(func=function, args=[first, *_]) if source.of(function) in identities:
                return (*source.span(node), source.of(first))
            case ast.Attribute() if tables and source.of(node) in tables:
                return (*source.span(node), tables[source.of(node)])
            case ast.Attribute(value=value) if source.of(value) == namespace:
                return (*source.span(node), node.attr)
            case ast.Call():
                arguments = [*node.args, *node.keywords]
                kept = [source.of(one) for one in arguments if name_of(one) not in fixed]
                if len(kept) < len(arguments):
                    return (*source.span(node), f"{source.of(node.func)}({', '.join(kept)})")
            case ast.FunctionDef():
                return signature(node, source, fixed)
            case ast.Name(id=name, ctx=ast.Load()) if isinstance(fixed.get(name), int | float):
                return (*source.span(node), repr(fixed[name]))
        return None

    return re.sub(r"\n\n\n+", "\n\n", rewrite(text, rule))


def decided(condition: ast.expr, fixed: Mapping[str, Any]) -> bool | None:
    """Work out a condition on fixed names alone; None for another one."""
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        values = [decided(value, fixed) for value in condition.values]
        return False if False in values else None if None in values else True
    nodes = list(ast.walk(condition))
    if any(isinstance(node, ast.Call | ast.Attribute) or name_of(node) not in {None, *fixed} for node in nodes):
        return None
    return bool(eval(compile(ast.Expression(condition), "condition", "eval"), dict(fixed)))


def reads(node: ast.AST, name: str) -> bool:
    """Say whether a node is a variable of this name whose value is asked for."""
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def name_of(node: ast.AST | str) -> str | None:
    """Give the name of a variable, of an attribute, or of the parameter that an argument is for."""
    match node:
        case str(name) | ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=name) | ast.arg(arg=name):
            return name
    return None


def signature(function: ast.FunctionDef, source: Code, fixed: Collection[str] = ()) -> Change | None:
    """Leave fixed parameters out of a function's signature, on one line if it fits."""
    given = parameters(function, source)
    kept = [text for name, text in given.items() if name not in fixed]
    if kept[-1:] == ["*"]:
        kept.pop()
    returns = f" -> {source.of(function.returns)}" if function.returns else ""
    start, end = source.span(function)[0], source.starts[source.above(function.body[0])]
    line = f"def {function.name}({', '.join(kept)}){returns}:\n"
    if len(line) - 1 + function.col_offset > WIDTH:
        if len(kept) == len(given):
            return None
        line = f"def {function.name}(\n    {', '.join(kept)}\n){returns}:\n"
        line = textwrap.indent(line, " " * function.col_offset).lstrip()
    return None if source.text[start:end] == line else (start, end, line)


def parameters(function: ast.FunctionDef, source: Code) -> dict[str, str]:
    """List a function's parameters, each as it is written, with its type and default."""
    args = function.args
    named = [*args.args, *args.kwonlyargs]
    defaults = [*[None] * (len(args.args) - len(args.defaults)), *args.defaults, *args.kw_defaults]
    texts = {
        one.arg: source.text[source.span(one)[0] : source.span(default or one)[1]]
        for one, default in zip(named, defaults, strict=True)
    }
    if args.kwonlyargs:
        positional = len(args.args)
        texts = dict([*list(texts.items())[:positional], ("*", "*"), *list(texts.items())[positional:]])
    return texts


def inline(text: str, definition: str) -> str:
    """Inline a function that returns at its end only."""
    callee = Code(definition)
    (function,) = callee.tree.body
    assert isinstance(function, ast.FunctionDef)
    defaults = defaults_of(function, callee)
    names = [one.arg for one in (*function.args.args, *function.args.kwonlyargs) if one.arg != "self"]

    def rule(node: ast.AST, source: Code) -> Change | None:
        if not isinstance(node, ast.Call) or source.of(node.func).removeprefix("self.") != function.name:
            return None
        given = dict(zip(names, map(source.of, node.args), strict=False))
        given |= {one.arg: source.of(one.value) for one in node.keywords if one.arg}
        lines, value = body_for(definition, {**defaults, **given})
        statement = innermost(source.tree, node)
        if isinstance(statement, ast.For) and statement.iter is node:
            return source.put(statement, in_place_of_yields(lines, statement, source))
        if isinstance(statement, ast.Expr):
            return source.put(statement, lines)
        whole = isinstance(statement, ast.Assign | ast.Return) and statement.value is node
        if whole and isinstance(statement, ast.Assign) and source.of(statement.targets[0]) == value:
            return source.put(statement, lines)
        (begin, end), start = source.span(node), source.starts[source.above(statement)]
        lines = textwrap.indent(lines, " " * statement.col_offset) + source.text[start:begin]
        value = (value if whole else in_parentheses(value)).replace("\n    ", "\n" + " " * statement.col_offset)
        return start, end, lines + value

    return rewrite(text, rule)


def defaults_of(function: ast.FunctionDef, source: Code) -> dict[str, str]:
    """List the parameters of a function that have defaults, and these as text."""
    args = function.args
    pairs = [*zip(reversed(args.args), reversed(args.defaults), strict=False)]
    pairs += [(one, default) for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default]
    return {one.arg: source.of(default) for one, default in pairs}


def body_for(definition: str, arguments: Mapping[str, str]) -> tuple[str, str]:
    """Give a function's statements, and the value that it returns, with these arguments put in."""
    names = [node for node in ast.walk(ast.parse(definition)) if isinstance(node, ast.Name)]
    assigned = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    once = {node.id for node in names if [other.id for other in names].count(node.id) == 1}
    put_in = {
        name: in_parentheses(value)
        for name, value in arguments.items()
        if name not in assigned and value != name and (name in once or re.fullmatch(r"[\w.-]+", value))
    }

    source = Code(definition)
    places = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name) and node.id in put_in]
    source = Code(changed(definition, [(*source.span(node), put_in[node.id]) for node in places]))
    (function,) = source.tree.body
    assert isinstance(function, ast.FunctionDef)
    body = function.body[1:]  # after the docstring
    before = "".join(f"{name} = {value}\n" for name, value in arguments.items() if name not in put_in and name != value)
    if isinstance(body[-1], ast.Return):
        assert body[-1].value is not None
        return before + source.block(body[:-1]), source.of(body[-1].value)
    return before + source.block(body), ""


def in_place_of_yields(lines: str, loop: ast.For, source: Code) -> str:
    """Let a generator's statements do at each yield what a loop over it does."""

    def rule(node: ast.AST, text: Code) -> Change | None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield) and node.value.value:
            target, value = source.of(loop.target), text.of(node.value.value)
            body = "" if isinstance(loop.body[0], ast.Pass) else source.block(loop.body)
            return text.put(node, ("" if target == value else f"{target} = {value}\n") + body)
        return None

    return rewrite(lines, rule)


def in_parentheses(value: str) -> str:
    """Put an expression in parentheses if it needs them as a part of another one."""
    tree = ast.parse(value, mode="eval").body
    return (
        value if isinstance(tree, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant) else f"({value})"
    )


def innermost(tree: ast.AST, node: ast.AST) -> ast.stmt:
    """Find the smallest statement that a node is part of."""
    return [one for one in ast.walk(tree) if isinstance(one, ast.stmt) and node in ast.walk(one)][-1]


def without(text: str, names: Collection[str]) -> str:
    """Leave out the methods of these names."""

    def rule(node: ast.AST, source: Code) -> Change | None:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            return source.put(node, "")
        return None

    return re.sub(r"\n\n\n+", "\n\n", rewrite(text, rule)).rstrip() + "\n"


def first_lines(text: str) -> str:
    """Keep the first line of a docstring, and of methods none: the class says what they do."""

    def rule(node: ast.AST, source: Code) -> Change | None:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or not (docstring := ast.get_docstring(node)):
            return None
        if node.col_offset:
            return source.put(node.body[0], "")
        line = f'"""{docstring.splitlines()[0]}"""\n'
        return None if source.block(node.body[:1]) == line else source.put(node.body[0], line)

    return rewrite(text, rule)
