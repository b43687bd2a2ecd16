"""Run a page headless: the real house and services, only the cookie is handed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

import components.session
import services.start
from domain.access import SYSTEM
from domain.words import Role
from services.accounts import NewAccount, add_account
from services.demo.build import build_demo_city
from services.house import House
from services.sign_in import Visitor, sign_in
from settings import ROOT
from tests.browser.serving import make_house

PASSWORD = "一句别人想不到的话吧"
SCHOOLS = 60


@pytest.fixture(scope="session")
def demo_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a small demo city; shared, so tests must not change its data."""
    house = make_house(tmp_path_factory.mktemp("pages") / "var")
    build_demo_city(
        SYSTEM,
        house,
        schools=SCHOOLS,
        seed=11,
        as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )
    yield house
    house.engine.dispose()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return the helper that opens a page of ``house`` as somebody of a role."""

    def open_(house: House, page: str, role: Role | None = Role.LEADER, **scope: str) -> AppTest:
        token = ""
        if role is not None:
            login = f"{role.value}-{'-'.join(scope.values())}"
            try:
                new = NewAccount(login=login, name="", role=role, password=PASSWORD, **scope)
                add_account(SYSTEM, house, new=new)
            except Exception as error:
                if "已" not in str(error):
                    raise
            token = sign_in(
                house, login=login, password=PASSWORD, visitor=Visitor(address="10.1.1.1")
            ).token
        monkeypatch.setattr(services.start, "current_house", lambda: house)
        monkeypatch.setattr(components.session, "current_house", lambda: house)
        monkeypatch.setattr(components.session, "sign_in_token", lambda: token)
        return AppTest.from_file(str(ROOT / page), default_timeout=30)

    return open_
