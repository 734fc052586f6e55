"""The bodies of requests, and the limits of their values."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

MAX_TEXTS = 128  # prompts times n
MAX_LOGPROBS = 20
MAX_STOP = 16  # stop texts
MAX_STOP_LENGTH = 1000  # characters of each
MAX_TOKENIZED = 100_000  # characters, or ids, of one /tokenize or /detokenize
MAX_NAME = 200  # characters of what a request calls itself
MAX_INTEGER = 2**63 - 1  # what a program in another language may send as its largest

Id = Annotated[int, Field(ge=0)]
StopText = Annotated[str, Field(max_length=MAX_STOP_LENGTH)]
Penalty = Annotated[float | None, Field(ge=-2, le=2)]
One = Annotated[float | None, Field(ge=1, le=1)]


def check_nothing(value: object) -> object:
    """Raise ValueError for anything but an empty list or object."""
    if value not in ([], {}):
        raise ValueError("this server takes only an empty value here")
    return value


def check_no(value: bool | None) -> bool | None:
    """Raise ValueError for true. (Literal[False] would take 0 for false.)"""
    if value:
        raise ValueError("this server takes only false here")
    return value


Nothing = Annotated[Any, AfterValidator(check_nothing)]
No = Annotated[bool | None, AfterValidator(check_no)]


class Strict(BaseModel):
    """A body with these fields and no others, of these types; numbers are finite."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(Strict):
    """Options of a stream. include_obfuscation is OpenAI's, continuous_usage_stats vLLM's."""

    include_usage: bool | None = False
    include_obfuscation: No = None
    continuous_usage_stats: bool | None = False


class ResponseFormat(Strict):
    """Which form the text is to have: any, since none can be promised."""

    type: Literal["text"]


class OpenAIRequest(Strict):
    """POST /v1/completions, as --strict takes it. What is null is as if it were left out."""

    model: str | None = None
    prompt: str | list[str] | list[Id] | list[list[Id]] | None = ""
    max_tokens: Annotated[int | None, Field(ge=0)] = 16
    temperature: Annotated[float | None, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float | None, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int | None, Field(ge=-1)] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = 0.0
    n: Annotated[int | None, Field(ge=1, le=MAX_TEXTS)] = 1
    best_of: int | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=MAX_STOP)] | None = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**64)] = None
    logprobs: Annotated[int | None, Field(ge=0, le=MAX_LOGPROBS)] = None
    echo: bool | None = False
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    presence_penalty: Penalty = 0.0
    frequency_penalty: Penalty = 0.0
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    suffix: str | None = None
    user: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: object) -> object:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None or name == "logprobs"}
        return values

    @field_validator("stream_options")
    @classmethod
    def _for_streams_only(cls, options: StreamOptions | None, info: ValidationInfo) -> StreamOptions | None:
        if options is not None and not info.data.get("stream"):
            raise ValueError("only streams have them: add stream = true, or leave them out")
        return options


class CompletionRequest(OpenAIRequest):
    """POST /v1/completions, with vLLM's parameters, which benchmarks and other clients send."""

    max_completion_tokens: Annotated[int | None, Field(ge=0)] = None
    min_tokens: Annotated[int | None, Field(ge=0)] = 0
    ignore_eos: bool | None = False
    stop_token_ids: list[Id] | None = None
    allowed_token_ids: Annotated[list[Id] | None, Field(min_length=1)] = None
    repetition_penalty: Annotated[float | None, Field(ge=0.01, le=100)] = 1.0
    truncate_prompt_tokens: Annotated[int | None, Field(ge=-1, le=MAX_INTEGER)] = None
    skip_special_tokens: bool | None = True
    request_id: Annotated[str | None, Field(max_length=MAX_NAME)] = None

    # What changes nothing is taken, and what this server cannot do is not.
    add_special_tokens: bool | None = None  # GPT-2 has none to be added
    spaces_between_special_tokens: bool | None = None
    cache_salt: str | None = None  # no prompt is kept
    use_beam_search: No = None
    early_stopping: No = None
    length_penalty: One = 1.0
    include_stop_str_in_output: No = None
    return_tokens_as_token_ids: No = None
    return_token_ids: No = None
    priority: Annotated[int | None, Field(ge=0, le=0)] = 0
    response_format: ResponseFormat | None = None
    logits_processors: Nothing = None
    bad_words: Nothing = None
    vllm_xargs: Nothing = None
    kv_transfer_params: Nothing = None

    @property
    def most(self) -> int:
        """The most tokens to write: by the newer or the older name, or the lower of both."""
        named = {"max_tokens", "max_completion_tokens"} & self.model_fields_set
        return min(getattr(self, name) for name in named) if named else 16

    @property
    def stops(self) -> list[str]:
        """The stop texts; an empty one ends nothing."""
        return [text for text in ([self.stop] if isinstance(self.stop, str) else self.stop or []) if text]


class TokenizeRequest(Strict):
    """POST /tokenize. With allow_special `<|endoftext|>` is one token, as in a prompt; else it is spelled out."""

    text: Annotated[str, Field(max_length=MAX_TOKENIZED)]
    allow_special: bool = True


class DetokenizeRequest(Strict):
    """POST /detokenize."""

    ids: Annotated[list[Id], Field(max_length=MAX_TOKENIZED)]
