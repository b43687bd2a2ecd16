"""The screens of a sealed round: who sees which button at which step, and salts leave no trace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import components.session
import services.rounds.depart
import services.start
from domain.draw.roster import RosterRule
from domain.draw.seal import salt_commitment
from domain.errors import UserError
from services.house import House
from services.rounds.depart import enter_salt, enter_value
from services.rounds.prepare import commit_round, make_salt, open_departure
from services.rounds.read import RoundStep, list_rounds, read_round
from services.rounds.reveal import publish_draw, reveal_round
from settings import ROOT
from tests.pages.test_map_page import texts
from tests.pages.test_seal import sign_everybody_in
from tests.rounds import PLAN, TODAY, RoundCity, add_round_city, commit, depart, prepare_round

DRAWS, CUSTODY, PUBLISHED = (
    f"pages/inspection/{name}.py" for name in ("draw", "custody", "published")
)
OpenAs = Callable[..., AppTest]


@pytest.fixture
def city(house: House) -> RoundCity:
    made = add_round_city(house)
    sign_everybody_in(house, made)
    return made


@pytest.fixture
def open_as(house: House, city: RoundCity, monkeypatch: pytest.MonkeyPatch) -> OpenAs:
    """Return the helper that opens a page as one of the city's accounts."""

    def open_(login: str, page: str, **parameters: str) -> AppTest:
        monkeypatch.setattr(services.start, "current_house", lambda: house)
        monkeypatch.setattr(components.session, "current_house", lambda: house)
        monkeypatch.setattr(components.session, "sign_in_token", lambda: f"token-{login}")
        made = AppTest.from_file(str(ROOT / page), default_timeout=30)
        for name, value in parameters.items():
            made.query_params[name] = value
        made.run()
        assert not made.exception, made.exception
        return made

    return open_


def keys(page: AppTest) -> set[str]:
    """Return the keys of the page's buttons."""
    return {button.key for button in page.button if button.key}


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception, page.exception
    return page


def said(page: AppTest) -> str:
    kinds = ("warning", "success", "caption", "subheader")
    return texts(page) + " ".join(e.value for kind in kinds for e in page.get(kind))


def everything(page: AppTest) -> str:
    """Return all that the last run sent to the browser and all that the session remembers."""
    sent = " ".join(str(element.proto) for element in page._tree if hasattr(element, "proto"))
    return sent + remembered(page)


def remembered(page: AppTest) -> str:
    """Return everything the session holds, widgets and what no page reads included."""
    state = page._session_state._state
    return str((state._old_state, state._new_session_state, state._new_widget_state))


def test_an_inspector_opens_a_departure_of_an_approved_plan(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    page = open_as("li", DRAWS)
    assert "还剩 **6** 所" in said(page)
    press(page, "round-open")
    assert "公开值的来源" in said(page)
    page.text_input(key="round-source").set_value("当众掷骰子 5 次")
    page.multiselect(key="round-keepers").set_value(
        [city.actor("ju").account_id, city.actor("shen").account_id]
    )
    page.number_input(key=f"round-n-{PLAN}").set_value(4).run()
    press(page, "round-open")
    (opened,) = list_rounds(city.actor("li"), house)
    assert (opened.n, opened.promised, opened.step) == (4, "当众掷骰子 5 次", RoundStep.SALTS)
    assert page.query_params["departure"] in (str(opened.departure_id), [str(opened.departure_id)])
    assert "各保管人生成自己的随机盐" in said(page)
    again = open_as("li", DRAWS)
    assert "第 1 次出发还没有结束" in said(again)
    assert "round-open" not in keys(again)


@pytest.mark.parametrize("login", ["ju", "shen"])
def test_a_leader_and_an_auditor_see_the_departures_but_cannot_open_one(
    open_as: OpenAs, house: House, city: RoundCity, login: str
) -> None:
    prepare_round(house, city)
    page = open_as(login, DRAWS)
    assert "round-open" not in keys(page)
    assert page.dataframe[0].value["title"].tolist() == ["秋季督查"]


@pytest.mark.parametrize("login", ["guan", "jing", "xiang", "xiao"])
def test_other_roles_meet_no_entry_at_the_sealed_draws(open_as: OpenAs, login: str) -> None:
    assert "无权访问" in texts(open_as(login, DRAWS))


@pytest.mark.parametrize("login", ["guan", "xiang", "xiao"])
def test_who_may_keep_no_salt_meets_no_entry_at_the_custody(open_as: OpenAs, login: str) -> None:
    assert "无权访问" in texts(open_as(login, CUSTODY))


STEPS = {
    "commit": ({"round-commit", "round-cancel"}, set(), set()),
    "value": ({"round-value-read", "round-void"}, set(), set()),
    "depart": ({"round-void"}, set(), set()),
    "sealed": ({"round-reveal"}, set(), set()),
    "revealed": (set(), {"round-publish"}, set()),
    "published": (set(), set(), set()),
}
"""The buttons that act, by step: for the organiser, the leader and the auditor."""


def bring(house: House, city: RoundCity, step: str) -> int:
    """Bring a round to a step; return its departure."""
    if step == "commit":
        return prepare_round(house, city)[0]
    made = commit(house, city) if step in ("value", "depart") else depart(house, city)
    li = city.actor("li")
    if step == "depart":
        enter_value(li, house, number=made.number, value="3 5 1 6 2")
    if step in ("revealed", "published"):
        reveal_round(li, house, number=made.number, unrecorded_reason="演练")
    if step == "published":
        publish_draw(city.actor("ju"), house, number=made.number)
    return made.departure_id


@pytest.mark.parametrize("step", list(STEPS))
def test_at_each_step_each_role_has_its_own_buttons_and_no_others(
    open_as: OpenAs, house: House, city: RoundCity, step: str
) -> None:
    departure = str(bring(house, city, step))
    for login, wanted in zip(("li", "ju", "shen"), STEPS[step], strict=True):
        page = open_as(login, DRAWS, departure=departure)
        assert keys(page) - {"round-leave"} == wanted, login


def test_the_way_from_commitment_to_publication_on_screen(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure, salts = prepare_round(house, city)
    li = open_as("li", DRAWS, departure=str(departure))
    facts = read_round(city.actor("li"), house, departure_id=departure)
    assert facts.frame_hash[:8] in texts(li)
    press(li, "round-commit")
    press(li, "round-commit-back")
    assert "round-commit-sure" not in keys(li)
    press(press(li, "round-commit"), "round-commit-sure")
    number = read_round(city.actor("li"), house, departure_id=departure).number
    assert number
    assert number in texts(li)

    li.text_input(key="round-value").set_value("  3 5 1 6 2 ")
    press(li, "round-value-read")
    assert "您录入的是" in texts(li)
    assert ">3 5 1 6 2<" in texts(li)
    assert read_round(city.actor("li"), house, departure_id=departure).value == ""
    press(li, "round-value-back")
    assert li.text_input(key="round-value").value == "3 5 1 6 2"
    press(li, "round-value-read")
    press(li, "round-value-sure")
    assert read_round(city.actor("li"), house, departure_id=departure).value == "3 5 1 6 2"
    assert "今天出发" in texts(li)

    for login, salt in salts.items():
        keeper = open_as(login, CUSTODY)
        keeper.text_input(key=f"custody-typed-{departure}").set_value(
            f" {salt[:4].upper()}-{salt[4:]} "
        )
        press(keeper, f"custody-enter-{departure}")
        assert "已录入" in said(keeper) or "名单封存" in said(keeper)
        assert salt not in everything(keeper).lower()
        assert salt[4:] not in everything(keeper).lower()

    li = open_as("li", DRAWS, departure=str(departure))
    assert "名单封存中" in texts(li)
    assert not li.dataframe, "no list, whatever it holds, stands on a sealed page"
    press(press(li, "round-reveal"), "round-reveal-sure")
    assert "没有记录督查情况" in texts(li)
    li.text_input(key="round-reveal-reason").set_value("演练").run()
    press(li, "round-reveal-sure")
    assert "种合规方案中等概率抽取" in texts(li)
    assert [len(table.value) for table in li.dataframe] == [4, 5]
    (frame,) = li.get("iframe")
    assert frame.proto.src.startswith(f"/files/draws/{number}/duels.html")

    ju = open_as("ju", DRAWS, departure=str(departure))
    press(press(ju, "round-publish"), "round-publish-sure")
    school = open_as("xiao", PUBLISHED)
    assert number in texts(school)
    assert len(school.dataframe[1].value) == 4


def test_a_press_on_a_screen_that_is_behind_the_times_changes_nothing(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure, _ = prepare_round(house, city)
    first = press(open_as("li", DRAWS, departure=str(departure)), "round-commit")
    number = commit_round(city.actor("li"), house, departure_id=departure)
    press(first, "round-commit-sure")
    assert number in texts(first)
    first.text_input(key="round-value").set_value("6 6 6")
    press(first, "round-value-read")
    enter_value(city.actor("li"), house, number=number, value="1 2 3")
    press(first, "round-value-sure")
    assert "公开值已经录入" in said(first)
    assert read_round(city.actor("li"), house, departure_id=departure).value == "1 2 3"


def test_a_salt_is_shown_once_and_leaves_no_trace(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure, _ = prepare_round(house, city)
    page = open_as("ju", CUSTODY)
    before = read_round(city.actor("ju"), house, departure_id=departure).keepers[0].commitment
    press(press(page, "round-remake"), "round-remake-sure")
    sheet = page.get("iframe")[0].proto.srcdoc
    salt = "".join(part.partition("<")[0] for part in sheet.split("<span>")[1:])
    after = read_round(city.actor("ju"), house, departure_id=departure).keepers[0].commitment
    assert salt_commitment(salt, "局长") == after
    assert after != before, "the old print is worth nothing"
    assert "data:application/pdf;base64,JVBER" in sheet
    assert "<svg" in sheet
    assert salt[:4] + "</span>" in everything(page)
    assert salt not in remembered(page), "not even in the run that shows it"
    page.run()
    assert not page.get("iframe")
    for trace in (salt, salt[:4] + " " + salt[4:8], salt[:4] + "</span>"):
        assert trace not in everything(page)


def test_a_wrong_salt_is_refused_in_words_and_kept_nowhere(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    made = commit(house, city)
    enter_value(city.actor("li"), house, number=made.number, value="3 5")
    page = open_as("ju", CUSTODY)
    wrong = "0123456789abcdef" * 2
    page.text_input(key=f"custody-typed-{made.departure_id}").set_value(wrong)
    press(page, f"custody-enter-{made.departure_id}")
    assert "与承诺不符" in texts(page)
    assert wrong not in everything(page)
    keepers = read_round(city.actor("ju"), house, departure_id=made.departure_id).keepers
    assert not any(keeper.has_entered for keeper in keepers)


def test_a_custodian_may_bring_a_salt_of_their_own(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure = open_departure(
        city.actor("li"),
        house,
        plan_number=PLAN,
        departs_on=TODAY,
        n=2,
        value_source="掷骰子",
        custodian_ids=[city.actor(login).account_id or 0 for login in ("ju", "jing")],
    )
    page = open_as("jing", CUSTODY)
    press(page, f"custody-give-{departure}")
    assert "64 位" in texts(page)
    page.text_input(key=f"custody-commitment-{departure}").set_value(
        salt_commitment("ab" * 16, "警官")
    ).run()
    press(page, f"custody-give-{departure}")
    assert "盐承诺已登记" in said(page)


def test_a_day_before_departure_only_the_countdown_stands(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure = open_departure(
        city.actor("li"),
        house,
        plan_number=PLAN,
        departs_on=TODAY + dt.timedelta(days=3),
        n=2,
        value_source="掷骰子",
        custodian_ids=[city.actor(login).account_id or 0 for login in ("ju", "shen")],
    )
    for login in ("ju", "shen"):
        make_salt(city.actor(login), house, departure_id=departure)
    number = commit_round(city.actor("li"), house, departure_id=departure)
    enter_value(city.actor("li"), house, number=number, value="6")
    assert "还有 3 天出发" in texts(open_as("ju", DRAWS, departure=str(departure)))
    keeper = open_as("ju", CUSTODY)
    assert "还有 3 天出发" in texts(keeper)
    assert not keeper.text_input


def test_an_interrupted_departure_shows_the_way_on_and_a_blocked_one_says_why(
    open_as: OpenAs, house: House, city: RoundCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit(house, city)
    enter_value(city.actor("li"), house, number=made.number, value="3 5")

    def blocked(**_: Any) -> None:
        raise UserError(f"组不成队伍：{RosterRule.LEAD.label}。", "请作废后增加可带队人员。")

    with monkeypatch.context() as patch:
        patch.setattr(services.rounds.depart, "staff", blocked)
        for login, salt in made.salts.items():
            try:
                enter_salt(city.actor(login), house, number=made.number, salt=salt)
            except UserError:
                assert login == "shen"
        page = open_as("li", DRAWS, departure=str(made.departure_id))
        assert {"round-resume", "round-void"} <= keys(page)
        press(page, "round-resume")
        assert "组不成队伍：每队至少一名可带队人员" in texts(page)
        assert "round-resume" not in keys(open_as("ju", DRAWS, departure=str(made.departure_id))), (
            "only who carries the round on may continue it"
        )
    page = open_as("li", DRAWS, departure=str(made.departure_id))
    press(page, "round-resume")
    assert "名单封存中" in texts(page)


def test_a_void_and_a_cancelled_round_stay_with_their_reasons(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    departure, _ = prepare_round(house, city)
    page = open_as("li", DRAWS, departure=str(departure))
    press(press(page, "round-cancel"), "round-cancel-sure")
    assert "取消原因为空" in texts(page)
    page.text_input(key="round-cancel-reason").set_value("改期").run()
    press(page, "round-cancel-sure")
    assert "这次出发已取消" in texts(page)
    assert "改期" in texts(page)
    made = commit(house, city)
    page = open_as("li", DRAWS, departure=str(made.departure_id))
    press(page, "round-void")
    page.text_input(key="round-void-reason").set_value("封条遗失").run()
    press(page, "round-void-sure")
    assert f"抽取 {made.number} 已作废" in texts(page)
    table = open_as("li", DRAWS).dataframe[0].value
    assert table["turn"].tolist() == ["封条遗失", "改期"]


def test_a_departure_of_nobody_is_a_warning(open_as: OpenAs) -> None:
    for asked in ("999", "x", "²"):
        assert "没有找到这次出发" in said(open_as("li", DRAWS, departure=asked))


def test_published_rounds_are_found_by_words_and_name_no_people(
    open_as: OpenAs, house: House, city: RoundCity
) -> None:
    assert "还没有公示" in texts(open_as("xiao", PUBLISHED))
    bring(house, city, "published")
    page = open_as("xiang", PUBLISHED)
    assert not page.exception
    people = ("王带队", "赵带队", "钱带队")
    assert not [name for name in people if name in everything(page)]
    assert "2 队 4 人" in texts(page)
    page.text_input(key="published-search").set_value("没有这个").run()
    assert "没有符合的公示" in texts(page)
    page.text_input(key="published-search").set_value("秋季 全市").run()
    assert "没有符合的公示" in texts(page) or len(page.dataframe[0].value) == 1
    page = open_as("xiang", PUBLISHED, round="CQ1999-0001")
    assert "没有找到这次公示" in said(page)


@pytest.mark.parametrize(("login", "may_replay"), [("guan", True), ("xiao", False)])
def test_the_replay_pack_is_offered_to_those_who_may_replay(
    open_as: OpenAs, house: House, city: RoundCity, login: str, may_replay: bool
) -> None:
    bring(house, city, "published")
    page = open_as(login, PUBLISHED)
    links = [element.proto.url for element in page.get("link_button")]
    assert any(link.endswith("certificate.pdf") for link in links)
    assert any(link.endswith("pack.zip") for link in links) is may_replay
