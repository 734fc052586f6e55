"""The HTTP API, as OpenAI's clients know it, and the page. Needs the extra `serve`."""
