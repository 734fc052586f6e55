"""On the built site no line of code is out of sight: in Chromium, at the widths of a desk and of a phone."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from book_pages import DOCS
from serve.page.conftest import chromium
from skipped import skip_file_without

skip_file_without("sphinx", "needs the extra 'docs'")
skip_file_without("furo", "needs the extra 'docs'")

LONG = "x = " + " + ".join(["attention_scores(q, k)"] * 5)  # 128 characters
PAGE = f"""\
Code
====

.. code-block:: python

   {LONG}

.. code-block:: text

   {"1.00 -1.00 " * 11}

.. code-block:: pycon

   >>> {LONG}
"""

OVERFLOWS = """() => [...document.querySelectorAll("article pre")].map((pre) => {
  const over = (element) => element.scrollWidth - element.clientWidth;
  const scrolls = ["auto", "scroll"].includes(getComputedStyle(pre).overflowX);
  return { cut: over(pre) > 1 && !scrolls, wide: over(pre) > 1, page: over(document.documentElement) > 1 };
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of long lines, built as the book is: with its theme and its style sheet."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.rst").write_text(PAGE, encoding="utf-8")
    settings = {"html_theme": "furo", "html_static_path": DOCS / "_static", "html_css_files": "book.css"}
    options = [f"-D{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "sphinx", "-q", "-C", *options, str(folder), str(folder / "built")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "built/index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("width", [1440, 1024, 360])
def test_no_line_of_code_is_cut(browser: Any, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(site.as_uri())
    blocks = page.evaluate(OVERFLOWS)
    page.close()
    assert len(blocks) == 3
    assert not any(block["cut"] or block["page"] for block in blocks)
    assert [block["wide"] for block in blocks] == [False, width < 768, False]
