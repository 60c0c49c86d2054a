"""Sources without what only their readers and type checkers need."""

from __future__ import annotations

import pytest

from outrider.clients.bare_source import bare


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ('"""Head."""\n\nfrom __future__ import annotations\n', "\n\nfrom __future__ import annotations\n"),
        ("x = 1  # why\n# alone\ny = 2\n", "x = 1\n\ny = 2\n"),
        ('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n', "def f():\n\n\n\n\n    return 1\n"),
        ('class A:\n    """Only."""\n', "class A:\n    pass\n"),
        ('async def f():\n    """Only\n    text."""\n', "async def f():\n    pass\n\n"),
        ('class A:\n    x = 1\n    """Of x."""\n', "class A:\n    x = 1\n\n"),
        ('x = "# no comment"\n', 'x = "# no comment"\n'),
        ('x = """\n# no comment\n"""\n', 'x = """\n# no comment\n"""\n'),
        ('x = f"{y}#{z}"  # why\n', 'x = f"{y}#{z}"\n'),
        ('if x:\n    "text"\nelse:\n    y()\n', "if x:\n    pass\nelse:\n    y()\n"),
        ('ä = "ö"  # ü\n', 'ä = "ö"\n'),
        ('"""Head."""\n', "pass\n"),
        (
            "def f(a: int, *b: str, c: int = 3, **d: A[B]) -> int:\n    return a\n",
            "def f(a, *b, c = 3, **d):\n    return a\n",
        ),
        (
            "def f(\n    ä: Ö,\n    b: B = {},\n) -> None:\n    x: int = 1\n",
            "def f(\n    ä,\n    b = {},\n):\n    x = 1\n",
        ),
        ("class A:\n    x: int\n    y: int = 1\n", "class A:\n    x: int\n    y = 1\n"),
        ("def f(a: A[\n    B], c) -> D[\n    E]:\n    pass\n", "def f(a: A[\n    B], c) -> D[\n    E]:\n    pass\n"),
        ("self.x: int = 1\nf = lambda a: a\nd = {a: b}\n", "self.x: int = 1\nf = lambda a: a\nd = {a: b}\n"),
        ("def f(a: '->') -> '->':\n    g(a) -> 1\n".replace("g(a) -> 1", "g(a)"), "def f(a):\n    g(a)\n"),
        ("", ""),
    ],
)
def test_comments_texts_and_annotations_go_and_every_line_keeps_its_number(source: str, left: str) -> None:
    assert bare(source) == left
    assert bare(source).count("\n") == source.count("\n")
    compile(bare(source), "bare", "exec")


def test_what_is_bare_stays_as_it_is() -> None:
    source = "def f(x):\n    return x + 1\n"
    assert bare(source) == source
