"""The sign-in page's HTML: one self-contained document, no script, no other request."""

from __future__ import annotations

from html import escape
from pathlib import Path

from domain.errors import UserError
from domain.words import Role

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_ROLE_HINT: dict[Role, str] = {
    Role.LEADER: "看全市，开会用",
    Role.INSPECTOR: "看全市督查状态",
    Role.DISTRICT: "只看本区县",
    Role.TOWNSHIP: "只看本乡镇",
    Role.SCHOOL: "只看本校",
    Role.POLICE: "护学岗、水域、交通",
    Role.AUDITOR: "只读，核验审计链",
    Role.ADMIN: "数据与导入、审计",
}

_ASSETS = Path(__file__).resolve().parent / "assets"
_STYLE = (_ASSETS / "sign_in.css").read_text(encoding="utf-8")
_CITY = (_ASSETS / "sign_in_city.svg").read_text(encoding="utf-8")
_PIN = """<svg width="30" height="30" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#fff"/>
<path d="M16 5.5c-4.7 0-8.3 3.6-8.3 8.1 0 5.8 8.3 13 8.3 13s8.3-7.2 8.3-13c0-4.5-3.6-8.1-8.3-8.1z" fill="#0b5cad"/>
<path d="M16 9.6l5.4 2.5L16 14.6l-5.4-2.5zM12.5 14v2.2c1 1 2.1 1.4 3.5 1.4s2.5-.4 3.5-1.4V14L16 15.6z" fill="#fff"/></svg>"""

# Inline, because the page may ask for nothing else.
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='7' fill='%230b5cad'/%3E"
    "%3Cpath d='M16 5.5c-4.7 0-8.3 3.6-8.3 8.1 0 5.8 8.3 13 8.3 13s8.3-7.2 8.3-13"
    "c0-4.5-3.6-8.1-8.3-8.1z' fill='%23fff'/%3E%3C/svg%3E"
)


def sign_in_page(
    *,
    product_name: str,
    wanted: str,
    login: str,
    error: UserError | None,
    demo_roles: list[Role],
    has_accounts: bool,
) -> str:
    """Return the whole page; every text that came from outside is escaped."""
    name = escape(product_name)
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>登录 · {name}</title><link rel="icon" href="{_ICON}"><style>{_STYLE}</style></head>
<body>
<section class="art">{_CITY}
<div class="mark">{_PIN}<span>教育系统校园安全督查平台</span></div>
<div><h1>{name}</h1><p>全市学校的风险、周边水域、交通设施与护学岗，一张图看清；每一处红色，都说得出为什么。</p></div>
<div><ul><li><b>一张图</b>风险与周边</li><li><b>可解释</b>逐项说明依据</li><li><b>可追溯</b>操作全程留痕</li></ul></div>
</section>
<main><div class="card">
<h2>登录</h2><p class="sub">请使用单位管理员分配的账号。</p>
{_error(error)}{_no_accounts(has_accounts)}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(wanted)}">
<label for="login">账号</label>
<input id="login" name="login" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="64" required value="{escape(login)}"{"" if login else " autofocus"}>
<label for="password">密码</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 maxlength="128" required{" autofocus" if login else ""}>
<button class="go" type="submit">登录</button>
</form>
{_demo(demo_roles, wanted)}
</div></main>
</body></html>"""


def _error(error: UserError | None) -> str:
    if error is None:
        return ""
    return (
        f'<div class="bad" role="alert"><b>{escape(error.message)}</b>'
        f"{escape(error.next_step)}</div>"
    )


def _no_accounts(has_accounts: bool) -> str:
    if has_accounts:
        return ""
    return (
        '<div class="note" style="margin-bottom:1.2rem">系统还没有任何账号。请在服务器上执行<br>'
        "<code>python manage.py user add 登录名 --role admin</code> 建立第一个管理员；<br>"
        "或执行 <code>python manage.py demo</code> 先看演示城市。</div>"
    )


def _demo(roles: list[Role], wanted: str) -> str:
    if not roles:
        return ""
    buttons = "".join(
        f'<button name="demo" value="{role.value}"><b>{role.label}</b>'
        f"<span>{_ROLE_HINT[role]}</span></button>"
        for role in roles
    )
    return (
        '<form class="demo" method="post" action="/sign-in">'
        f'<input type="hidden" name="next" value="{escape(wanted)}">'
        "<h3>演示体验</h3><p>当前为虚构的演示城市，选择一个角色即可进入；"
        "建立第一个真实账号后此入口自动关闭。</p>"
        f'<div class="roles">{buttons}</div></form>'
    )
