"""Errors as OpenAI's clients expect them: {"error": {message, type, param, code}}."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from nextword.serve.requests import MAX_STOP, MAX_STOP_LENGTH


class Refusal(Exception):
    """A request that is answered with an error: in which words, which parameter is at fault, with which status."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        status: int = 400,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.param, self.status, self.code, self.headers = param, status, code, headers

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(error_body(str(self), self.status, self.param, self.code), self.status, self.headers)


class Error(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


ERROR = {
    "application/json": {
        "schema": {"type": "object", "properties": {"error": Error.model_json_schema()}, "required": ["error"]}
    }
}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"content": ERROR, "description": "The request is at fault"},
    "5XX": {"content": ERROR, "description": "The server is at fault, or about to stop"},
}
"""Every endpoint's errors, for the OpenAPI document."""

NO_OBJECT = ("missing", "model_attributes_type", "model_type", "dict_type")  # what pydantic calls a body that is none


OF_SEVERAL_KINDS = {
    "prompt": "give a text, a list of texts, a list of ids, or a list of lists of ids.",
    "stop": f"give a text or a list of at most {MAX_STOP}, each of 1 to {MAX_STOP_LENGTH:,} characters.",
}
"""What a parameter may be, where the reason why it is not one of these kinds would say nothing of the others."""


def error_body(message: str, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """OpenAI's form of an error; its type follows from the status."""
    kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    param = None if param is None else whole_characters(param)
    return {"error": {"message": whole_characters(message), "type": kind, "param": param, "code": code}}


def whole_characters(text: str) -> str:
    """The text with U+FFFD for lone surrogates: halves of characters, which JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def install(app: FastAPI) -> None:
    """Have the app answer all errors of requests in this form; where the app itself fails, the `Guard` does."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        return refusal.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"] if part != "body"]
        if first["type"] == "json_invalid":
            return Refusal(f"The body is not JSON: {first['ctx']['error']}.").response()
        if first["type"] == "extra_forbidden":
            return Refusal(f"There is no parameter {place[0]!r} here.", place[0], code="unknown_parameter").response()
        message = first["msg"].removeprefix("Value error, ")
        if place and place[0] in OF_SEVERAL_KINDS:
            message = OF_SEVERAL_KINDS[place[0]]
        if place:
            return Refusal(f"{place[0]}: {message}", place[0]).response()
        if first["type"] in NO_OBJECT:
            message = f"The body must be a JSON object, sent as application/json. {message}"
        return Refusal(message).response()

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        message = str(error.detail)
        if error.status_code == 404:
            message = f"There is nothing at {request.url.path}."
            if request.url.path == "/v1/chat/completions":
                message += " GPT-2 is not a chat model: /v1/completions goes on from a prompt."
        return JSONResponse(error_body(message, error.status_code), error.status_code, error.headers)


def failure() -> JSONResponse:
    """The answer where the server itself is at fault."""
    return JSONResponse(error_body("Something went wrong in the server; its log says what.", 500), 500)
