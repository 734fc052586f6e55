"""The book's code runs, and gives what the book says it gives."""

import doctest
from pathlib import Path
from typing import Any

import pytest
from book_pages import PAGES, code_blocks, name_of

WITH_CODE = [page for page in PAGES if any(block.language in ("python", "pycon") for block in code_blocks(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_a_page_s_blocks_run_one_after_the_other(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in code_blocks(page):
        if block.language == "python":
            padding = "\n" * (block.line - 1)  # so that a traceback shows the page's own line
            exec(compile(padding + block.text, str(page), "exec"), names)
        elif block.language == "pycon":
            examples = doctest.DocTestParser().get_doctest(block.text, names, name_of(page), str(page), block.line - 1)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            said: list[str] = []
            runner.run(examples, out=said.append, clear_globs=False)
            assert runner.failures == 0, "".join(said)
            names = examples.globs


def test_most_pages_have_code_that_runs() -> None:
    assert WITH_CODE
