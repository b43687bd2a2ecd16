"""Recompute what a sealed round adds to a draw: routes, teams and what happened on the way."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from domain.day_plan import DayPlan, check_plan
from domain.day_task import DayTask
from domain.draw.record import EVENT, OPENED
from domain.draw.seal import ChainLine, result_commitment
from domain.draw.year import YearDrawn, choose_replacement
from domain.plan import PlanTerms
from domain.rounds import (
    all_stops,
    people_from_json,
    people_hash,
    roster_as_json,
    roster_from_json,
    roster_rules,
    round_text,
    staff,
    team_routes,
)
from domain.words import SealedEventKind
from services.day_routes import replay_day


def routes_fault(
    opened: Mapping[str, Any], *, parameters: Mapping[str, Any], sealed: str, nonce: str
) -> str:
    """Return in Chinese what of the routes does not agree, or nothing.

    Under another version of the route solver the order may differ; every time and length
    is then still recomputed.
    """
    text = round_text(
        day_task=opened["day_task"], day_plan=opened["day_plan"], roster=opened["roster"]
    )
    if result_commitment(text, nonce) != sealed:
        return "路线与组队的哈希与封存时不符，已被改动"
    if people_hash(opened["people"]) != parameters["plan"]["people"]:
        return "督查人员名册的哈希与承诺不符"
    task, plan = DayTask.from_json(opened["day_task"]), DayPlan.from_json(opened["day_plan"])
    fault = check_plan(task, plan)
    if fault:
        return fault
    again = replay_day(task)
    if again.solver == plan.solver and again != plan:
        return "重新排出的路线与封存的路线不同"
    return ""


def schools_fault(
    opened: Mapping[str, Any], *, parameters: Mapping[str, Any], drawn: YearDrawn
) -> str:
    """Return what is wrong where the routes do not hold just the drawn and must-visit schools."""
    task = DayTask.from_json(opened["day_task"])
    terms = PlanTerms.from_json(parameters["plan"]["terms"])
    wanted = {*drawn.ids, *(entry.code for entry in terms.must_visit)}
    extra = sorted({stop.id for stop in task.stops} - wanted)
    return f"路线中的学校 {extra[0]} 既不是抽中的，也不是必查的" if extra else ""


def roster_fault(opened: Mapping[str, Any], *, parameters: Mapping[str, Any], seed: str) -> str:
    """Return in Chinese what of the teams does not agree, or nothing."""
    said = opened["roster"]
    terms = PlanTerms.from_json(parameters["plan"]["terms"])
    task, plan = DayTask.from_json(opened["day_task"]), DayPlan.from_json(opened["day_plan"])
    again = staff(
        people=people_from_json(opened["people"]),
        routes=team_routes(
            all_stops(plan, task), team_size=terms.day.team_size, districts=said["districts"]
        ),
        rules=roster_rules(terms, on=_day(parameters)),
        relax=terms.roster.relax,
        seed=seed,
    )
    if roster_as_json(again, said["districts"]) == said:
        return ""
    ours = {team.route: team.people for team in again.drawn.teams}
    for team in roster_from_json(said).drawn.teams:
        if ours.get(team.route) != team.people:
            return f"{team.route} 队的人员与复算不符"
    return "组队的方法、方案数或放宽的规则与复算不符"


def events_fault(lines: Sequence[ChainLine], *, drawn: YearDrawn, seed: str) -> str:
    """Return what of the events on the way does not agree: every hash opened, no more, no less."""
    promised = [line.data["commitment"] for line in lines if line.kind == EVENT]
    opened = [line.data for line in lines if line.kind == OPENED]
    made = [result_commitment(data["event"], data["nonce"]) for data in opened]
    if Counter(promised) != Counter(made):
        return "途中事件的启封与当时的哈希不符，或有增减"
    used: set[str] = set()
    for data in opened:
        event = json.loads(data["event"])
        if event["kind"] != SealedEventKind.REPLACED.value:
            continue
        left = [school for school in drawn.reserve_ids if school not in used]
        expected = (
            choose_replacement(
                frame=drawn.frame,
                reserve=drawn.reserve_ids,
                used=used,
                lost=event["lost"],
                seed=seed,
            )
            if left
            else ""
        )
        if event["by"] != expected:
            return (
                f"学校 {event['lost']} 的替补应为 {expected or '无'}，记录为 {event['by'] or '无'}"
            )
        used.add(expected)
    return ""


def _day(parameters: Mapping[str, Any]) -> dt.date:
    return dt.date.fromisoformat(parameters["plan"]["departs_on"])
