"""Teams: every rule holds, every roster is as likely, and what blocks is named."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest

from domain.draw import roster_count
from domain.draw.randomness import HashStream
from domain.draw.roster import (
    Inspector,
    RosterMethod,
    RosterRule,
    RosterRules,
    TeamRoute,
    barriers,
    build_task,
    check_roster,
    draw_roster,
)
from domain.errors import UserError

RULES = RosterRules(day=dt.date(2026, 3, 2), cross_district=True, duty_cap=4)


def route(name: str, *schools: str, district: str = "崇川", places: int = 2) -> TeamRoute:
    return TeamRoute(name, frozenset(schools), frozenset({district}), places)


def person(name: str, *, lead: bool = True, **facts: object) -> Inspector:
    return Inspector(name, can_lead=lead, **facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, set()),
        ({"district": "崇川"}, {RosterRule.OWN_DISTRICT}),
        ({"district": "通州"}, set()),
        ({"conflicts": frozenset({"s1"})}, {RosterRule.CONFLICT}),
        ({"conflicts": frozenset({"s9"})}, set()),
        ({"former": (("s1", dt.date(2023, 3, 3)),)}, {RosterRule.FORMER_EMPLOYER}),
        ({"former": (("s1", dt.date(2023, 3, 2)),)}, set()),
        ({"former": (("s9", dt.date(2026, 1, 1)),)}, set()),
        ({"last_schools": frozenset({"s1", "s2"})}, {RosterRule.SAME_SCHOOL}),
        ({"duties": 3}, set()),
        ({"duties": 4}, {RosterRule.DUTY_CAP}),
    ],
)
def test_a_person_is_kept_off_a_route_for_these_reasons(facts, expected) -> None:
    found = barriers(person("p", **facts), route("R1", "s1"), RULES)
    assert found == expected
    assert barriers(person("p", **facts), route("R1", "s1"), replace(
        RULES, relaxed=frozenset(expected)
    )) == set()  # fmt: skip


def test_own_district_counts_in_cross_mode_only() -> None:
    rules = replace(RULES, cross_district=False)
    assert not barriers(person("p", district="崇川"), route("R1", "s1"), rules)


def tight_task():
    people = [
        person("a", last_partners=frozenset({"b"})),
        person("b"),
        person("c", lead=False),
        person("d", lead=False, conflicts=frozenset({"s2"})),
        person("e"),
    ]
    return build_task(people, [route("R1", "s1"), route("R2", "s2")], RULES)


def test_every_drawn_roster_keeps_the_rules_and_all_are_as_likely() -> None:
    task = tight_task()
    count = check_roster(task).count
    draws = 100 * count
    seen = Counter(draw_roster(task, f"seed {k}").teams for k in range(draws))
    assert len(seen) == count
    chi_square = sum((times - 100) ** 2 / 100 for times in seen.values())
    assert chi_square < count + 4 * (2 * count) ** 0.5
    for teams in seen:
        for team in teams:
            assert len(team.people) == 2
            assert team.leads
            assert set(team.people) != {"a", "b"}
            assert not (team.route == "R2" and "d" in team.people)


def test_the_roster_of_a_number_is_drawn_under_the_label_inspectors() -> None:
    task = tight_task()
    drawn = draw_roster(task, "s")
    assert drawn.method is RosterMethod.EXACT
    assert drawn.count == check_roster(task).count
    assert drawn.number == HashStream("s", "inspectors").below(drawn.count)


def test_people_are_taken_in_id_order_whatever_order_they_came_in() -> None:
    task = tight_task()
    turned = build_task(task.people[::-1], task.routes, RULES)
    assert draw_roster(turned, "s") == draw_roster(task, "s")


def test_the_smallest_blocking_set_and_what_would_free_it_are_named() -> None:
    people = [
        person("a"),
        person("b", conflicts=frozenset({"s3"})),
        person("c", duties=9),
        person("d", conflicts=frozenset({"s3"})),
        *(person(f"x{k}", conflicts=frozenset({"s3"})) for k in range(6)),
    ]
    routes = [route("R1", "s1"), route("R2", "s2"), route("R3", "s3")]
    blocked = check_roster(build_task(people, routes, RULES)).blocked
    assert blocked is not None
    assert blocked.routes == ("R3",)
    assert blocked.people == ("a",)
    assert set(blocked.frees) == {RosterRule.CONFLICT, RosterRule.DUTY_CAP}
    with pytest.raises(UserError, match="R3") as caught:
        draw_roster(build_task(people, routes, RULES), "s")
    assert "申报的回避" in caught.value.next_step
    assert "出勤次数上限" in caught.value.next_step


def test_missing_leads_are_told_from_missing_people() -> None:
    people = [person("a"), *(person(f"x{k}", lead=False) for k in range(6))]
    routes = [route("R1", "s1"), route("R2", "s2")]
    blocked = check_roster(build_task(people, routes, RULES)).blocked
    assert blocked is not None
    assert blocked.routes == ("R1", "R2")
    assert blocked.leads_missing
    assert blocked.frees == (RosterRule.LEAD,)


def test_a_pair_that_must_part_can_block_on_its_own() -> None:
    people = [person("a", last_partners=frozenset({"b"})), person("b")]
    check = check_roster(build_task(people, [route("R1", "s1")], RULES))
    assert check.count == 0
    assert check.blocked is not None
    assert check.blocked.frees == (RosterRule.SAME_PAIR,)


def test_no_people_at_all_is_a_block_no_rule_can_free() -> None:
    blocked = check_roster(build_task([], [route("R1", "s1")], RULES)).blocked
    assert blocked is not None
    assert (blocked.routes, blocked.people, blocked.frees) == (("R1",), (), ())
    assert "无人" in blocked.error.message


def test_out_of_reach_counts_draw_leads_first_and_say_so(monkeypatch) -> None:
    monkeypatch.setattr(roster_count, "STATES_TIMES_PEOPLE_MOST", 100)
    people = [
        *(person(f"l{k}", last_partners=frozenset({f"m{k}"})) for k in range(3)),
        *(person(f"m{k}", lead=False) for k in range(4)),
    ]
    task = build_task(people, [route("R1", "s1"), route("R2", "s2")], RULES)
    assert check_roster(task).method is RosterMethod.TWO_STEP
    seen = Counter()
    for k in range(150):
        drawn = draw_roster(task, f"seed {k}")
        assert drawn.method is RosterMethod.TWO_STEP
        assert drawn.count is None
        for team in drawn.teams:
            assert len(team.people) == 2
            assert len(team.leads) >= 1
            assert set(team.people) not in [{f"l{i}", f"m{i}"} for i in range(3)]
        seen[drawn.teams] += 1
    assert len(seen) > 30


@pytest.mark.parametrize(
    ("people", "routes", "message"),
    [
        ([person("a"), person("a")], [route("R1", "s1")], "人员 a"),
        ([person("a")], [route("R1", "s1"), route("R1", "s2")], "路线 R1"),
        ([person("a")], [route("R1", "s1", places=1)], "每队至少两人"),
    ],
)
def test_a_muddled_task_is_refused(people, routes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        build_task(people, routes, RULES)
    assert message in str(caught.value)
