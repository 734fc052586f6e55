"""A context and its continuation as ids, cut where the context ends."""

from nextword.tokenizer import Tokenizer


def encoded_pair(tokenizer: Tokenizer, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Encode a text whole, and cut its ids after those of its beginning.

    White space at the end of the context goes to the continuation, where GPT-2's tokens have it. An empty context is
    <|endoftext|>, or the vocabulary's first token where there is none. So lm-evaluation-harness does it.
    """
    stripped = context.rstrip()
    if not stripped:
        begin = tokenizer.eot_id
        return [0 if begin is None else begin], tokenizer.encode(context + continuation)
    continuation = context[len(stripped) :] + continuation
    beginning = tokenizer.encode(stripped)
    return beginning, tokenizer.encode(stripped + continuation)[len(beginning) :]
