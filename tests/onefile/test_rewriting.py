"""Rules that make source code simpler and let it compute the same."""

from nextword.onefile.rewriting import first_lines, inline, specialise, without

FORWARD = '''\
def forward(self, x: Tensor, cache: Cache | None = None, *, layer: int = 0) -> Tensor:
    """Go forward."""
    p = self.dropout if self.training else 0.0
    if cache is not None:
        # old ones first
        x = cache.extend(layer, x)
    y = f(x, cache, 2)  # (T,)
    if y is None:
        raise ValueError("nothing")
    check_ids(y, cache)
    return self.ops.drop(self.ops.gelu(y), p) if cache is None else y
'''


def test_a_parameter_with_one_value_leaves_no_trace() -> None:
    written = specialise(FORWARD, {"cache": None, "layer": 0}, ("drop", "check_ids"), "self.ops")
    assert written == (
        'def forward(self, x: Tensor) -> Tensor:\n    """Go forward."""\n    y = f(x, 2)  # (T,)\n    return gelu(y)\n'
    )


def test_numbers_are_put_in_and_conditions_on_others_stay() -> None:
    text = "def f(a, n):\n    if a and n:\n        return n\n    return a if n is None else n + 1\n"
    assert specialise(text, {"n": 2}, (), "ops") == ("def f(a):\n    if a and 2:\n        return 2\n    return 2 + 1\n")
    assert specialise(text, {"n": 0}, (), "ops") == "def f(a):\n    return 0 + 1\n"


def test_a_function_is_written_out_where_it_is_called() -> None:
    callee = 'def norm(x, scale, eps=1e-5):\n    """Do."""\n    m = x.mean()  # ()\n    return (x - m) * scale + eps\n'
    assert inline("def f(y):\n    y = 2 * norm(y + 1, self.w)\n    return y\n", callee) == (
        "def f(y):\n    x = y + 1\n    m = x.mean()  # ()\n    y = 2 * ((x - m) * self.w + 1e-5)\n    return y\n"
    )


def test_what_returns_the_name_that_it_is_given_to_needs_no_assignment() -> None:
    callee = 'def total(xs):\n    """Add up."""\n    n = 0\n    for x in xs:\n        n += x\n    return n\n'
    assert inline("n = total(numbers)\n", callee) == "n = 0\nfor x in numbers:\n    n += x\n"


def test_a_method_is_written_out_too_and_a_generator_in_the_loop_over_it() -> None:
    callee = 'def stream(self, n):\n    """Count."""\n    x = 0\n    yield x\n    for _ in range(n):\n'
    callee += "        x += 1\n        yield x\n"
    assert inline("for y in self.stream(3):\n    print(y)\n", callee) == (
        "x = 0\ny = x\nprint(y)\nfor _ in range(3):\n    x += 1\n    y = x\n    print(y)\n"
    )
    assert inline("for x in self.stream(3):  # noqa\n    pass\n", callee) == "x = 0\nfor _ in range(3):\n    x += 1\n"


def test_docstrings_keep_their_first_line_and_methods_have_none() -> None:
    text = 'class A:\n    """One.\n\n    Two.\n    """\n\n    def f(self):\n        """Three."""\n        return 3\n'
    assert first_lines(text) == 'class A:\n    """One."""\n\n    def f(self):\n        return 3\n'
    assert without(text, ["f"]) == 'class A:\n    """One.\n\n    Two.\n    """\n'
