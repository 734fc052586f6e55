"""Errors as OpenAI's clients expect them: {"error": {message, type, param, code}}."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from nextword.serve.requests import MAX_STOP, MAX_STOP_LENGTH


class Refusal(Exception):
    """A request that is refused, with the message, the parameter at fault and the status."""

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
        """Make the response."""
        return JSONResponse(error_body(str(self), self.status, self.param, self.code), self.status, self.headers)


class DisconnectedError(Exception):
    """The client does not wait for the answer any more."""


class Error(BaseModel):
    """The error."""

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

AS_JSON = "curl sends it as that with -H 'Content-Type: application/json'."


def error_body(message: str, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """OpenAI's form of an error; its type follows from the status."""
    kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    param = None if param is None else whole_characters(param)
    return {"error": {"message": whole_characters(message), "type": kind, "param": param, "code": code}}


def whole_characters(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 cannot, by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def install(app: FastAPI) -> None:
    """Have the app answer all errors of requests in this form."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> JSONResponse:
        return refusal.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return why_invalid(error, request.headers.get("content-type")).response()

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        message, headers = str(error.detail), dict(error.headers or {})
        if error.status_code == 404:
            path = request.url.path.removeprefix(request.scope.get("root_path", ""))
            message = f"There is nothing at {path}."
            if path == "/v1/chat/completions":
                message += " GPT-2 is not a chat model: /v1/completions goes on from a prompt."
        elif error.status_code == 400 and isinstance(error.__cause__, Exception):  # FastAPI's, of a body
            message = f"The body cannot be read as JSON: {why_unreadable(error.__cause__)}"
        elif error.status_code == 405:
            allowed = headers.get("Allow", "GET")  # the page's files say nothing of it
            headers["Allow"] = f"{allowed}, HEAD, OPTIONS" if allowed == "GET" else f"{allowed}, OPTIONS"
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=headers)
            message = f"{request.url.path} takes {allowed} and not {request.method}."
        return JSONResponse(error_body(message, error.status_code), error.status_code, headers)


def why_invalid(error: RequestValidationError, content_type: str | None) -> Refusal:
    """Say what was expected of a body, and the place of the mistake."""
    first, place = first_wrong(error.errors())
    if first["type"] == "json_invalid":
        return Refusal(f"The body is not JSON: {first['ctx']['error']}, {line_and_column(str(error.body), place)}.")
    if not place:
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] not in NO_OBJECT:
            return Refusal(message)
        if isinstance(error.body, bytes):  # it was not even looked at
            came = f"it came as {content_type[:100]!r}" if content_type else "it came without a Content-Type"
            return Refusal(f"The body must be a JSON object, sent as application/json: {came}. {AS_JSON}")
        found = "nothing" if error.body is None else f"a {KINDS.get(type(error.body), 'value')}"
        return Refusal(f"The body must be a JSON object, sent as application/json: it is {found}. {AS_JSON}")
    name = written_out(place)
    if first["type"] == "extra_forbidden":
        return unknown(name)
    if first["type"] == "of_several_kinds":
        return Refusal(f"{name}: {OF_SEVERAL_KINDS[str(place[0])]}", name)
    if first["type"] == "literal_error":
        return Refusal(f"{name}: this server takes only {first['ctx']['expected']} here.", name)
    return Refusal(f"{name}: {first['msg'].removeprefix('Value error, ')}", name)


KINDS: dict[type, str] = {list: "list", str: "text", int: "number", float: "number", bool: "truth value"}


def first_wrong(errors: Sequence[Any]) -> tuple[Any, tuple[str | int, ...]]:
    """Find the error to report, and its place in the body.

    A value that may be of several kinds has errors for each of them. The kind
    that was meant is the one whose first error comes latest; if that is not
    clear, the error is that it is none of them.
    """
    places = [tuple(part for part in error["loc"] if part != "body") for error in errors]
    name = places[0][0] if places[0] else None
    if name not in OF_SEVERAL_KINDS or errors[0]["type"] == "extra_forbidden":
        return errors[0], places[0]
    firsts: dict[str | int, tuple[tuple[int, ...], Any]] = {}  # kind -> where its first error is, and that
    for error, place in zip(errors, places, strict=True):
        if place[0] == name:
            kind = place[1] if len(place) > 1 else ""
            firsts.setdefault(kind, (tuple(part for part in place[1:] if isinstance(part, int)), error))
    latest = max(where for where, _ in firsts.values())
    meant = [error for where, error in firsts.values() if where == latest]
    error = meant[0] if len(meant) == 1 and latest else {"type": "of_several_kinds"}
    return error, (str(name), *latest)


def written_out(place: Sequence[str | int]) -> str:
    """Write out a place in a body: ("stop", 3) -> stop[3], ("stream_options", "user") -> stream_options.user."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def line_and_column(text: str, place: Sequence[str | int]) -> str:
    """Find a character's line and column."""
    at = int(place[0]) if place else 0
    line = text.count("\n", 0, at) + 1
    return f"at line {line}, column {at - text.rfind(chr(10), 0, at)}"


def why_unreadable(error: BaseException) -> str:
    """Say why bytes are no JSON, where they could not even be parsed."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} (0x{error.object[error.start]:02x}) is not UTF-8."
    if isinstance(error, RecursionError):
        return "lists or objects are nested too deeply."
    return f"{str(error).partition(';')[0]}."


def unknown(name: str) -> Refusal:
    """Refuse a parameter that nobody knows."""
    return Refusal(f"There is no parameter {name!r} here.", name, code="unknown_parameter")


def failure() -> JSONResponse:
    """Answer where the server itself is at fault."""
    return JSONResponse(error_body("Something went wrong in the server; its log says what.", 500), 500)
