"""What the chapters are made of besides prose: our code, and pictures. Nothing of this is written twice.

{source} module:name     the code of that name, as it stands in the package now
{picture} module:name    a picture that docs/pictures draws, for light pages and for dark ones
{onefile}                GPT-2 in one file, as `nextword onefile` writes it
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from readable import fold
from sphinx.application import Sphinx
from sphinx.directives.code import LiteralInclude
from sphinx.util.docutils import SphinxDirective

from nextword.learn.checker.track import TRACK

PROJECT = Path(__file__).parent.parent.parent


class Source(LiteralInclude):
    """{source} nextword.model.plain:gelu: that function or class, with the file's name above it.

    Several names of one module are put below each other: nextword.model.attention:split_heads,merge_heads.
    """

    def run(self) -> list[nodes.Node]:
        """Include each of the names."""
        module, _, names = self.arguments[0].partition(":")
        path = PROJECT / "src" / Path(*module.split("."))
        file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        self.arguments[0] = "/" + Path("..", file.relative_to(PROJECT)).as_posix()
        self.options["language"] = "python"
        caption = file.relative_to(PROJECT).as_posix()
        made: list[nodes.Node] = []
        for name in names.split(","):
            self.options.pop("caption", None)
            if not made:
                self.options["caption"] = caption
            self.options["pyobject"] = name.strip()
            made += super().run()
        return made


class OneFile(SphinxDirective):
    """{onefile}: all of the one file."""

    def run(self) -> list[nodes.Node]:
        """Show the file as code."""
        from nextword.onefile import onefile

        return [nodes.literal_block(text := onefile(), text, language="python")]


class picture(nodes.General, nodes.Element):
    """A picture in two colourings, of which the page shows the one that fits it."""


class Picture(SphinxDirective):
    """{picture} attention:mask, with `:alt:` for those who cannot see it; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012  (docutils' way)

    def run(self) -> list[nodes.Node]:
        """A figure."""
        if not self.options.get("alt"):
            raise self.error("A picture needs :alt:, a sentence that says what is to be seen.")
        module, _, name = self.arguments[0].partition(":")
        self.env.note_dependency(str(PROJECT / "docs/pictures" / f"{module}.py"))
        figure = nodes.figure("", picture(name=f"{module}-{name}", alt=self.options["alt"]))
        if self.content:
            caption = nodes.caption("", "", *self.parse_inline("\n".join(self.content))[0])
            figure += caption
        return [figure]


def visit_picture(translator: Any, node: picture) -> None:
    """Write both images; furo's classes show one of them."""
    page = translator.builder.get_target_uri(translator.builder.current_docname)
    up = "../" * page.count("/")
    for kind in ("light", "dark"):
        source = f"{up}_pictures/{node['name']}-{kind}.svg"
        translator.body.append(
            f'<img class="picture only-{kind}" alt="{translator.attval(node["alt"])}" src="{source}" />\n'
        )
    raise nodes.SkipNode


def draw_pictures(app: Sphinx) -> None:
    """Draw what is new or has changed, before the pages that show it are made."""
    from pictures.drawing import draw_all

    if app.builder.format == "html":
        draw_all(Path(app.outdir) / "_pictures")


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fold a page to its directives, and give a chapter the number of its exercise."""
    source[0] = fold(source[0])
    name = docname.removeprefix("book/")
    if docname.startswith("book/") and name in TRACK.names:
        source[0] = re.sub(r"^# ", f"# {TRACK.number(name)}. ", source[0], count=1, flags=re.MULTILINE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.add_directive("source", Source)
    app.add_directive("onefile", OneFile)
    app.add_node(picture, html=(visit_picture, None))
    app.add_directive("picture", Picture)
    app.connect("builder-inited", draw_pictures)
    app.connect("source-read", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
