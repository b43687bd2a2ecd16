from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest
import segno

from domain.checklist import CHECKLIST
from domain.draw.roster import RosterMethod
from domain.errors import UserError
from services.reports.papers.certificate import (
    Hand,
    RosterFacts,
    Step,
    StratumCount,
    certificate_code,
    count_lines,
    make_certificate,
)
from services.reports.papers.commit_sheet import Custodian, commit_code, make_commit_sheet
from services.reports.papers.feedback_sheet import make_feedback_sheet
from services.reports.papers.salt_slip import make_salt_slip
from services.reports.papers.team_sheet import TeamMember, make_team_sheet
from services.reports.papers.texts import code_svg, cut, local_time
from tests.unit.services.reports.papers.pdf_text import page_count, text_of
from tests.unit.services.reports.papers.samples import (
    AT,
    HEAD,
    NASTY,
    SALT,
    SEED,
    F,
    P,
    certificate,
    commit_sheet,
    feedback_sheet,
    finding,
    salt_slip,
    stops,
    strata,
    team_sheet,
)

LONG = "内蒙古自治区莫力达瓦达斡尔族自治旗" * 10


def read(pdf: bytes) -> str:
    """Return the text without the breaks between pieces."""
    return re.sub(r"[\s\u200b]+", "", text_of(pdf))


def test_a_certificate_states_hashes_value_people_times_and_guarantees() -> None:
    text = read(make_certificate(certificate()))
    for said in (
        "CQ2026-0007", "简易抽取", "1,234", "不参加抽取17所，后备0所", F, P, SEED, HEAD,
        "骰子3516", "录入公开值", "李督查（li）", "2026-09-0308:31:05", "LPM-INT-1就近两两抽签",
        "先承诺后抽取。", "没有多人随机盐。", "第01区学段2", "pythonreplay.py",
    ):  # fmt: skip
        assert said in text, said
    assert "人员抽取" not in text


def test_a_certificate_before_the_reveal_holds_no_seed() -> None:
    facts = certificate(seed="")
    assert "启封后公布" in read(make_certificate(facts))
    assert "SEED" not in certificate_code(facts)


def test_a_certificate_says_how_the_people_were_drawn() -> None:
    exact = RosterFacts(RosterMethod.EXACT, teams=4, people=9, count=12345)
    text = read(make_certificate(certificate(roster=exact)))
    assert "4队9人" in text
    assert "12,345" in text
    two_step = RosterFacts(RosterMethod.TWO_STEP, teams=12, people=36)
    text = read(make_certificate(certificate(roster=two_step)))
    assert "先等概率抽带队人员" in text
    assert "合规方案共" not in text


@pytest.mark.parametrize(
    "changed",
    [
        {"strata": (), "people": (), "steps": (), "holds": (), "lacks": (), "value_at": None},
        {"strata": strata(1, 12)},
        {"strata": strata(12, 5)},
        {"strata": strata(36, 11)},
        {"strata": strata(60, 11)},
        {"value": "system:" + "ab" * 32},
        {"title": NASTY[0], "value": NASTY[1], "status": NASTY[2], "issuer": NASTY[3]},
        {
            "title": LONG,
            "value": "骰" * 200,
            "value_source": LONG,
            "status": LONG,
            "issuer": LONG,
            "strata": tuple(StratumCount(f"{at}{LONG}", LONG, 10**6, 10**5) for at in range(80)),
            "people": tuple(Hand(LONG, "W" * 90) for _ in range(40)),
            "steps": tuple(Step(LONG, AT) for _ in range(40)),
            "holds": (LONG,) * 20,
            "lacks": (LONG,) * 20,
            "roster": RosterFacts(RosterMethod.TWO_STEP, 99, 999, 10**300),
        },
    ],
)
def test_a_certificate_is_one_page_at_every_size(changed) -> None:
    pdf = make_certificate(certificate(**changed))
    assert page_count(pdf) == 1
    text = read(pdf)
    assert text.count(HEAD) == 2, "in its field and in the footer"
    assert "日期（盖章）" in text, "the last line stands on the page"


def test_beyond_twelve_strata_districts_are_counted_and_nothing_is_lost() -> None:
    assert count_lines(strata(3, 4)) == ("分层", list(strata(3, 4)))
    name, lines = count_lines(strata(13, 5))
    assert name == "区县"
    assert len(lines) == 13
    assert lines[1] == StratumCount("第01区", "", 5 * 41, 10)
    many = strata(60, 5)
    name, lines = count_lines(many)
    assert len(lines) == 36
    assert sum(line.schools for line in lines) == sum(line.schools for line in many)
    assert sum(line.drawn for line in lines) == sum(line.drawn for line in many)


def matrix_of(svg: str) -> np.ndarray:
    """Return the dark cells of a code drawn by ``code_svg``."""
    size = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    cells = np.zeros((size, size), dtype=int)
    x, y = 0.0, 0.0
    for step, first, second in re.findall(
        r"([Mmh])\s*(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", re.search(r' d="([^"]+)"', svg)[1]
    ):
        if step == "h":
            cells[int(y), int(x) : int(x) + int(first)] = 1
            x += int(first)
        else:
            x, y = (0.0, 0.0) if step == "M" else (x, y)
            x, y = x + float(first), y + float(second)
    return cells


@pytest.mark.parametrize(
    "text", [certificate_code(certificate()), commit_code(commit_sheet()), SALT]
)
def test_the_code_holds_the_facts_and_nothing_else(text: str) -> None:
    expected = segno.make(text, error="m", micro=False, boost_error=False)
    assert matrix_of(code_svg(text)).tolist() == [list(row) for row in expected.matrix]


def test_the_codes_name_each_fact() -> None:
    code = certificate_code(certificate())
    assert code.splitlines() == [
        "CSM-DRAW 1", "NO CQ2026-0007", f"F {F}", f"P {P}", f"SEED {SEED}", f"HEAD {HEAD}",
    ]  # fmt: skip
    assert code.isascii()
    assert commit_code(commit_sheet()).splitlines()[1:] == [
        "NO FC2026-0003", f"F {F}", f"P {P}", f"HEAD {HEAD}",
    ]  # fmt: skip


@pytest.mark.parametrize("custodians", [0, 2, 12])
def test_a_commit_sheet_is_one_page_with_every_commitment_in_order(custodians: int) -> None:
    made = tuple(Custodian(f"保管人{at}", f"{at:02d}ab" * 16) for at in range(custodians))
    pdf = make_commit_sheet(commit_sheet(custodians=made, title=LONG, value_promised=LONG))
    assert page_count(pdf) == 1
    text = read(pdf)
    places = [text.find(one.commitment) for one in made]
    assert -1 not in places
    assert places == sorted(places)
    assert text.count(HEAD) == 2


def test_a_commit_sheet_refuses_custodians_it_has_no_room_for() -> None:
    with pytest.raises(ValueError, match="12"):
        make_commit_sheet(commit_sheet(custodians=(Custodian("张三", F),) * 13))


def test_a_commit_sheet_names_the_promised_value() -> None:
    text = read(make_commit_sheet(commit_sheet()))
    assert "当众掷骰子10次" in text
    assert "2026年9月4日" in text


def test_a_salt_slip_prints_the_salt_in_groups_of_four_on_one_page() -> None:
    pdf = make_salt_slip(salt_slip())
    assert page_count(pdf) == 1
    pieces = text_of(pdf).split("\n")
    groups = [SALT[at : at + 4] for at in range(0, 32, 4)]
    first = pieces.index(groups[0])
    assert pieces[first : first + 8] == groups
    assert "张三" in pieces


def test_a_salt_slip_refuses_what_is_no_salt_and_never_shows_it_in_a_log() -> None:
    with pytest.raises(UserError):
        make_salt_slip(salt_slip(salt="abc"))
    assert SALT not in repr(salt_slip())
    assert SALT not in str(salt_slip())


def test_a_team_sheet_names_lead_schools_times_chances_and_the_checklist() -> None:
    text = read(make_team_sheet(team_sheet()))
    for said in (
        "第3队", "张三（教体局）［带队］、李四", "第2小学", "东区人民路3号", "0513-80000004",
        "08:0109:01", "3/17（17.6%）", "示意",
    ):  # fmt: skip
        assert said in text, said
    for item in CHECKLIST:
        assert re.sub(r"\s", "", item.text) in text


def test_a_sealed_sheet_says_so_on_every_page_and_others_do_not() -> None:
    sealed = make_team_sheet(team_sheet(is_sealed=True, stops=stops(20)))
    assert page_count(sealed) > 2
    assert read(sealed).count("封存中，不得外传") == page_count(sealed)
    assert "封存中" not in read(make_team_sheet(team_sheet()))
    assert "封存中，不得外传" in read(make_feedback_sheet(feedback_sheet(is_sealed=True)))


def test_a_team_sheet_of_sixty_schools_loses_none() -> None:
    text = read(make_team_sheet(team_sheet(stops=stops(60))))
    for at in range(1, 61):
        assert f"第{at}小学" in text
    assert text.count("现场检查要点") == 8


@pytest.mark.parametrize("count", [0, 1, 8, 9])
def test_a_team_sheet_stands_without_optional_facts(count: int) -> None:
    bare = stops(count, arrive=None, leave=None, place=None, chance=None, address="", phone="")
    pdf = make_team_sheet(team_sheet(stops=bare, members=(), head=""))
    text = read(pdf)
    assert "示意" not in text, "there is nothing to draw"
    assert text.count("带队（签字）") == 1


def test_nasty_names_stand_on_a_team_sheet_as_they_are() -> None:
    name = NASTY[1][:24]
    pdf = make_team_sheet(team_sheet(stops=stops(1, name=name), members=(TeamMember(name),)))
    assert read(pdf).count(re.sub(r"\s", "", name)) == 2


def test_a_feedback_sheet_lists_findings_deadlines_and_blank_lines() -> None:
    due = dt.date(2026, 9, 8)
    pdf = make_feedback_sheet(
        feedback_sheet(findings=(finding(), finding("校门无登记", due=due)), blank_lines=2)
    )
    text = read(pdf)
    for said in ("监控室三路黑屏", "2026年9月20日", "校门无登记", "2026年9月8日", "一般隐患", "4"):
        assert said in text, said
    assert "未发现问题" not in text


def test_a_clean_visit_asks_for_no_rectification() -> None:
    text = read(make_feedback_sheet(feedback_sheet(findings=(), rectify_by=None)))
    assert "本次督查未发现问题" in text
    assert "整改要求" not in text


def test_forty_findings_run_over_pages_and_none_is_lost() -> None:
    many = tuple(finding(f"问题之{at}。" * 4) for at in range(40))
    pdf = make_feedback_sheet(feedback_sheet(findings=many))
    assert page_count(pdf) > 1
    assert all(f"问题之{at}。" in read(pdf) for at in range(40))


def test_times_are_local_and_texts_are_cut_to_their_room() -> None:
    assert local_time(dt.datetime(2026, 12, 31, 16, 0, tzinfo=dt.UTC)) == "2027-01-01 00:00:00"
    assert local_time(None) == ""
    assert cut("一二三四", 4) == "一二三四"
    assert cut("一二三四五", 4) == "一二三…"
