"""Keep the rule sets: write the shipped ones, find the one in force on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from db.models import RuleSet
from domain import sampling_rules
from domain.access import SYSTEM
from domain.errors import UserError
from domain.rules import DEFAULT_PARAMETERS, RULE_SET_NAME, RiskRules
from domain.sampling_rules import SamplingRules
from services.house import House

SHIPPED_VALID_FROM = dt.date(2020, 1, 1)
"""Early enough that any demo or past date finds the shipped rules in force."""


SHIPPED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    RULE_SET_NAME: DEFAULT_PARAMETERS,
    sampling_rules.RULE_SET_NAME: sampling_rules.DEFAULT_PARAMETERS,
}


def ensure_default_rules(house: House) -> None:
    """Write version 1 of each shipped rule set of which no version is there already."""
    with house.read() as session:
        if not _missing(session.connection()):
            return
    with house.write(SYSTEM) as work:
        # asked again inside the write lock: two processes may start together
        for name in _missing(work.connection):
            work.session.add(shipped_rule_set(name, at=work.at))
            work.bump("rules")
        work.audit("rules.ensured", "、".join(SHIPPED), {"version": 1})


def shipped_rule_set(name: str, *, at: dt.datetime) -> RuleSet:
    """Return version 1 of a shipped rule set as a row that is not yet written."""
    return RuleSet(
        name=name,
        version=1,
        parameters={key: dict(p) for key, p in SHIPPED[name].items()},
        status="in_force",
        valid_from=SHIPPED_VALID_FROM,
        valid_to=None,
        source="随产品提供",
        updated_at=at,
    )


def rules_in_force(connection: Connection, on: dt.date) -> tuple[int, RiskRules]:
    """Return id and risk rules of the newest version in force on a day.

    Raises ``UserError`` when there is none, or when its parameters do not hold.
    """
    row = _in_force(connection, RULE_SET_NAME, on)
    return row.id, RiskRules.from_parameters(row.parameters)


def sampling_rules_in_force(connection: Connection, on: dt.date) -> SamplingRules:
    """Return the newest version of the sampling rules in force on a day; errors as above."""
    row = _in_force(connection, sampling_rules.RULE_SET_NAME, on)
    return SamplingRules.from_parameters(row.parameters, version=row.version)


def read_sampling_rules(house: House) -> SamplingRules:
    """Return the sampling rules in force today; anybody may know them."""
    today = house.today()
    with house.read() as session:
        return sampling_rules_in_force(session.connection(), today)


def _missing(connection: Connection) -> list[str]:
    there = set(connection.execute(select(RuleSet.name).where(RuleSet.name.in_(SHIPPED))).scalars())
    return [name for name in SHIPPED if name not in there]


def _in_force(connection: Connection, name: str, on: dt.date) -> Row[tuple[int, int, Any]]:
    row = connection.execute(
        select(RuleSet.id, RuleSet.version, RuleSet.parameters)
        .where(
            RuleSet.name == name,
            RuleSet.status == "in_force",
            RuleSet.valid_from <= on,
            RuleSet.valid_to.is_(None) | (RuleSet.valid_to >= on),
        )
        .order_by(RuleSet.version.desc())
        .limit(1)
    ).first()
    if row is None:
        raise UserError(
            f"{on:%Y-%m-%d} 没有生效的「{name}」。",
            "请由管理员运行 manage.py init 写入随产品提供的判定标准。",
        )
    return row


def rules_of(connection: Connection, rule_set_id: int) -> RiskRules:
    """Return the rules a stored figure was made with."""
    parameters = connection.execute(
        select(RuleSet.parameters).where(RuleSet.id == rule_set_id)
    ).scalar_one()
    return RiskRules.from_parameters(parameters)
