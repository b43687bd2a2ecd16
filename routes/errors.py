"""What a route answers when something is wrong: JSON in Chinese, never a trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import EditConflict, Forbidden, NotFound, NotSignedIn, UserError
from routes.guard import CrossOrigin
from services.logs import log_fault

_STATUS: tuple[tuple[type[UserError], int], ...] = (
    (NotSignedIn, 401),
    (Forbidden, 403),
    (CrossOrigin, 403),
    (NotFound, 404),
    (EditConflict, 409),
    (UserError, 400),
)


def status_of(error: UserError) -> int:
    """Return the HTTP status that fits the error's kind."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


async def answer_user_error(_request: Request, error: UserError) -> Response:
    """Tell what is wrong and what to do."""
    return JSONResponse(
        {"error": error.message, "next_step": error.next_step},
        status_code=status_of(error),
        headers={"Cache-Control": "no-store"},
    )


async def answer_fault(request: Request, error: Exception) -> Response:
    """Log the fault with its trace; show its number only."""
    number = log_fault(error, path=request.url.path, method=request.method)
    return JSONResponse(
        {
            "error": f"系统出现意外错误，错误编号 {number}。",
            "next_step": "请稍后重试；仍不行时把编号告诉管理员。",
        },
        status_code=500,
        headers={"Cache-Control": "no-store"},
    )


ERROR_ANSWERS: dict[type[Exception], Callable[..., Awaitable[Response]]] = {
    UserError: answer_user_error,
    Exception: answer_fault,
}
