"""One of each paper's facts, to be varied by the tests."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from domain.draw.seal import salt_commitment, salt_text
from domain.words import DeadlineClass, HazardCategory, InspectionLevel, Severity
from services.reports.papers.certificate import CertificateFacts, Hand, Step, StratumCount
from services.reports.papers.commit_sheet import CommitSheetFacts, Custodian
from services.reports.papers.feedback_sheet import FeedbackFacts, Finding
from services.reports.papers.salt_slip import SaltSlipFacts
from services.reports.papers.team_sheet import Stop, TeamMember, TeamSheetFacts

AT = dt.datetime(2026, 9, 3, 0, 31, 5, tzinfo=dt.UTC)
F, P, SEED, HEAD = ("f1" * 32, "9a" * 32, "5e" * 32, "4ead" * 16)
SALT = salt_text(bytes(range(100, 116)))
NASTY = (
    '#import "x.typ": * #panic()',
    "*粗* _斜_ `码` $x^2$ <标> @引 // 注 /* 注 */",
    r"\u{41} \n C:\学校 'a' \"b\"",
    "= 标题 - 项 + 项 / 词: ~ -- --- ...",
    "#sys.inputs.facts #read(\"/etc/hostname\") ]) } {",
    "https://a.b/?q=<script>alert(1)</script>&x=%00",
)  # fmt: skip


def strata(districts: int, kinds: int) -> tuple[StratumCount, ...]:
    return tuple(
        StratumCount(f"第{d:02d}区", f"学段{k}", 40 + d, 2)
        for d in range(districts)
        for k in range(kinds)
    )


def certificate(**changed: Any) -> CertificateFacts:
    facts: dict[str, Any] = {
        "number": "CQ2026-0007",
        "title": "秋季抽查",
        "level": InspectionLevel.CITY,
        "form": "简易抽取",
        "status": "已采用（本事由第 2 次抽取）",
        "schools": 1234,
        "n": 60,
        "strata": strata(2, 3),
        "frame_hash": F,
        "parameters_hash": P,
        "value": "骰子 3 5 1 6",
        "value_source": "录入公开值",
        "value_at": AT,
        "people": (Hand("承诺并抽取", "李督查（li）"),),
        "steps": (Step("冻结名录并承诺", AT), Step("抽取", AT)),
        "head": HEAD,
        "holds": ("先承诺后抽取",),
        "lacks": ("没有多人随机盐",),
        "made_at": AT,
        "seed": SEED,
        "excluded": 17,
    }
    return CertificateFacts(**(facts | changed))


def commit_sheet(**changed: Any) -> CommitSheetFacts:
    facts: dict[str, Any] = {
        "number": "FC2026-0003",
        "title": "秋季抽查",
        "level": InspectionLevel.CITY,
        "form": "封存抽取",
        "schools": 1234,
        "n": 60,
        "frame_hash": F,
        "parameters_hash": P,
        "value_promised": "当众掷骰子 10 次",
        "custodians": (Custodian("张三", "c1" * 32), Custodian("李四", "c2" * 32)),
        "committed_by": "李督查（li）",
        "committed_at": AT,
        "head": HEAD,
        "departs_on": dt.date(2026, 9, 4),
    }
    return CommitSheetFacts(**(facts | changed))


def salt_slip(**changed: Any) -> SaltSlipFacts:
    facts: dict[str, Any] = {
        "number": "FC2026-0003",
        "title": "秋季抽查",
        "custodian": "张三",
        "salt": SALT,
        "commitment": salt_commitment(SALT, "张三"),
        "made_at": AT,
    }
    return SaltSlipFacts(**(facts | changed))


def stops(count: int, **changed: Any) -> tuple[Stop, ...]:
    def one(at: int) -> Stop:
        facts: dict[str, Any] = {
            "name": f"第{at}小学",
            "district": "东区",
            "address": f"人民路{at}号",
            "phone": f"0513-8000{at:04d}",
            "arrive": dt.time(8, at % 60),
            "leave": dt.time(9, at % 60),
            "place": (120.86 + 0.01 * (at % 7), 32.0 + 0.007 * (at % 5)),
            "chance": Fraction(3, 17),
        }
        return Stop(**(facts | changed))

    return tuple(one(at) for at in range(1, count + 1))


def team_sheet(**changed: Any) -> TeamSheetFacts:
    facts: dict[str, Any] = {
        "number": "FC2026-0003",
        "title": "秋季抽查",
        "route": "第3队",
        "on": dt.date(2026, 9, 4),
        "members": (TeamMember("李四"), TeamMember("张三", "教体局", is_lead=True)),
        "stops": stops(4),
        "made_at": AT,
        "head": HEAD,
    }
    return TeamSheetFacts(**(facts | changed))


def finding(text: str = "监控室三路黑屏", **changed: Any) -> Finding:
    facts: dict[str, Any] = {
        "text": text,
        "category": HazardCategory.DEFENCE,
        "severity": Severity.GENERAL,
        "deadline": DeadlineClass.TERM,
    }
    return Finding(**(facts | changed))


def feedback_sheet(**changed: Any) -> FeedbackFacts:
    facts: dict[str, Any] = {
        "number": "FC2026-0003",
        "school": "第一小学",
        "district": "东区",
        "address": "人民路1号",
        "on": dt.date(2026, 9, 4),
        "team": ("张三", "李四"),
        "findings": (finding(),),
        "rectify_by": dt.date(2026, 9, 20),
        "made_at": AT,
    }
    return FeedbackFacts(**(facts | changed))
