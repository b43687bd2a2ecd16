"""Keep the rule sets: write the shipped one, find the one in force on a day."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, select

from db.models import RuleSet
from domain.access import SYSTEM
from domain.errors import UserError
from domain.rules import DEFAULT_PARAMETERS, RULE_SET_NAME, RiskRules
from services.house import House

SHIPPED_VALID_FROM = dt.date(2020, 1, 1)
"""Early enough that any demo or past date finds the shipped rules in force."""


def ensure_default_rules(house: House) -> None:
    """Write version 1 of the shipped rule set unless a version of it is there already."""
    any_version = select(RuleSet.id).where(RuleSet.name == RULE_SET_NAME).limit(1)
    with house.read() as session:
        if session.execute(any_version).first() is not None:
            return
    with house.write(SYSTEM) as work:
        # asked again inside the write lock: two processes may start together
        if work.session.execute(any_version).first() is None:
            work.session.add(
                RuleSet(
                    name=RULE_SET_NAME,
                    version=1,
                    parameters={name: dict(p) for name, p in DEFAULT_PARAMETERS.items()},
                    status="in_force",
                    valid_from=SHIPPED_VALID_FROM,
                    valid_to=None,
                    source="随产品提供",
                    updated_at=work.at,
                )
            )
            work.bump("rules")
        work.audit("rules.ensured", RULE_SET_NAME, {"version": 1})


def rules_in_force(connection: Connection, on: dt.date) -> tuple[int, RiskRules]:
    """Return id and rules of the newest version in force on a day.

    Raises ``UserError`` when there is none, or when its parameters do not hold.
    """
    row = connection.execute(
        select(RuleSet.id, RuleSet.parameters)
        .where(
            RuleSet.name == RULE_SET_NAME,
            RuleSet.status == "in_force",
            RuleSet.valid_from <= on,
            RuleSet.valid_to.is_(None) | (RuleSet.valid_to >= on),
        )
        .order_by(RuleSet.version.desc())
        .limit(1)
    ).first()
    if row is None:
        raise UserError(
            f"{on:%Y-%m-%d} 没有生效的「{RULE_SET_NAME}」。",
            "请由管理员运行 manage.py init 写入随产品提供的判定标准。",
        )
    return row.id, RiskRules.from_parameters(row.parameters)


def rules_of(connection: Connection, rule_set_id: int) -> RiskRules:
    """Return the rules a stored figure was made with."""
    parameters = connection.execute(
        select(RuleSet.parameters).where(RuleSet.id == rule_set_id)
    ).scalar_one()
    return RiskRules.from_parameters(parameters)
