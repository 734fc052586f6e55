"""What may be asked for: the bodies of requests, and the limits of their values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

MAX_TEXTS = 128  # prompts times n
MAX_LOGPROBS = 20
MAX_STOP = 16  # stop texts
MAX_STOP_LENGTH = 1000  # characters of each
MAX_TOKENIZED = 100_000  # characters, or ids, of one /tokenize or /detokenize

Id = Annotated[int, Field(ge=0)]
StopText = Annotated[str, Field(min_length=1, max_length=MAX_STOP_LENGTH)]


class Strict(BaseModel):
    """A body with these fields and no others, of these types; numbers are finite."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(Strict):
    """What a stream says besides the text."""

    include_usage: bool | None = False


class CompletionRequest(Strict):
    """POST /v1/completions. What is null is as if it were left out."""

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
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = 0.0
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = 0.0
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


class TokenizeRequest(Strict):
    """POST /tokenize."""

    text: Annotated[str, Field(max_length=MAX_TOKENIZED)]
    allow_special: bool = False


class DetokenizeRequest(Strict):
    """POST /detokenize."""

    ids: Annotated[list[Id], Field(max_length=MAX_TOKENIZED)]
