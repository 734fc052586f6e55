"""The HTTP API, as OpenAI's clients know it, and the page. Needs the extra `serve`."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
