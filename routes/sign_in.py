"""The sign-in form, and the two posts that open and end a sign-in."""

from __future__ import annotations

from urllib.parse import parse_qs

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from domain.errors import NotSignedIn, UserError
from domain.words import Role
from routes.guard import (
    actor_from_request,
    local_path,
    require_same_origin,
    token_from,
)
from routes.sign_in_page import PAGE_POLICY, sign_in_page
from services.sign_in import (
    COOKIE_NAME,
    NewSignIn,
    TooManyTries,
    Visitor,
    demo_roles,
    has_accounts,
    sign_in,
    sign_in_demo,
    sign_out,
)
from services.start import current_house

_MAX_FORM_BYTES = 16_384


def show_sign_in(request: Request) -> Response:
    """Show the form; whoever is signed in already goes straight on."""
    wanted = local_path(request.query_params.get("next", "/"))
    try:
        actor_from_request(request)
    except NotSignedIn:
        return _page(wanted)
    return _onward(wanted)


async def post_sign_in(request: Request) -> Response:
    """Check the form (login, password, next; or demo = a role) and set the cookie."""
    require_same_origin(request)
    form = await _read_form(request)
    return await run_in_threadpool(_answer_sign_in, request, form)


async def post_sign_out(request: Request) -> Response:
    """Revoke the sign-in and drop the cookie."""
    require_same_origin(request)
    await run_in_threadpool(sign_out, current_house(), token=token_from(request))
    answer = _onward("/sign-in")
    answer.delete_cookie(COOKIE_NAME, path="/", httponly=True, samesite="lax")
    return answer


def _answer_sign_in(request: Request, form: dict[str, str]) -> Response:
    house = current_house()
    wanted = local_path(form.get("next", "/"))
    visitor = Visitor(
        address=request.client.host if request.client else "",
        browser=request.headers.get("user-agent", ""),
    )
    previous = token_from(request)
    try:
        if "demo" in form:
            opened = sign_in_demo(
                house, role=_role(form["demo"]), visitor=visitor, previous_token=previous
            )
        else:
            opened = sign_in(
                house,
                login=form.get("login", ""),
                password=form.get("password", ""),
                visitor=visitor,
                previous_token=previous,
            )
    except TooManyTries as error:
        return _page(wanted, error=error, login=form.get("login", ""), status=429)
    except UserError as error:
        return _page(wanted, error=error, login=form.get("login", ""), status=401)
    except OperationalError:
        busy = UserError("系统正在写入大量数据，暂时不能登录。", "请一分钟后重试。")
        return _page(wanted, error=busy, login=form.get("login", ""), status=503)
    return _with_cookie(_onward(wanted), opened)


def _with_cookie(answer: Response, opened: NewSignIn) -> Response:
    settings = current_house().settings
    answer.set_cookie(
        COOKIE_NAME,
        opened.token,
        max_age=settings.sign_in_absolute_h * 3600,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookie,
    )
    return answer


def _onward(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})


def _page(
    wanted: str, *, error: UserError | None = None, login: str = "", status: int = 200
) -> Response:
    house = current_house()
    body = sign_in_page(
        product_name=house.settings.product_name,
        wanted=wanted,
        login=login,
        error=error,
        demo_roles=demo_roles(house),
        has_accounts=has_accounts(house),
    )
    return HTMLResponse(
        body,
        status_code=status,
        headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"},
    )


def _role(typed: str) -> Role:
    try:
        return Role(typed)
    except ValueError:
        raise UserError("没有这个演示角色。", "请从登录页的按钮进入。") from None


async def _read_form(request: Request) -> dict[str, str]:
    """Return the posted fields; refuse a body that no sign-in form of ours would send."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise UserError("提交的内容过长。", "请从登录页重新填写。")
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise UserError("提交的内容无法识别。", "请从登录页重新填写。") from None
    return {name: values[-1] for name, values in fields.items()}


SIGN_IN_ROUTES = [
    Route("/sign-in", show_sign_in, methods=["GET"]),
    Route("/sign-in", post_sign_in, methods=["POST"]),
    Route("/sign-out", post_sign_out, methods=["POST"]),
]
