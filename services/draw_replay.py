"""Recompute a replay pack step by step and name the first thing that does not agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from domain.draw.frame import parse_excluded, parse_frame
from domain.draw.randomness import sha256_hex
from domain.draw.record import COMMIT, DRAW, REVEAL, STEPS, VALUE
from domain.draw.seal import (
    ChainLine,
    canonical_json,
    find_chain_fault,
    parse_line,
    public_value,
    result_commitment,
    result_text,
    rule_of_parameters,
    salt_commitment,
    seed_text,
)
from domain.draw.year import YearDrawn, draw_year, year_chances
from domain.errors import UserError
from services.draw_pack import (
    CERTIFICATE,
    EXCLUDED,
    FRAME,
    LOG,
    PARAMS,
    RESULT,
    ROUND,
    Pack,
    read_json,
    read_pack,
    result_table,
)
from services.round_replay import events_fault, roster_fault, routes_fault, schools_fault


@dataclass(frozen=True)
class ReplayStep:
    """One thing that was checked; ``fault`` says in Chinese what does not agree."""

    name: str
    fault: str = ""

    @property
    def is_right(self) -> bool:
        """Say whether it agrees."""
        return not self.fault


@dataclass(frozen=True)
class Replay:
    """A recomputed pack: steps in order up to the first fault, and what was drawn.

    ``drawn`` (with all duels) and ``chances`` are there once the draw could be recomputed,
    whatever the pack says came of it.
    """

    steps: tuple[ReplayStep, ...]
    drawn: YearDrawn | None = field(default=None, repr=False)
    chances: tuple[Fraction, ...] = field(default=(), repr=False)
    draw_number: str = ""
    seed: str = ""

    @property
    def fault(self) -> ReplayStep | None:
        """Return the first step that does not agree."""
        return next((step for step in self.steps if not step.is_right), None)


class _Disagrees(Exception):
    """A step found something that does not agree; the text is the user's to read."""


def replay_pack(content: bytes, *, head: str | None = None) -> Replay:
    """Recompute a pack: record, hashes, salts, seed, draw, sealed result, certificate.

    ``head`` is the chain head as printed on the paper certificate; without it the pack's
    own certificate stands in. Stops at the first fault. Raises ``UserError`` only where the
    pack cannot be opened at all.
    """
    work = _Work(read_pack(content), head.strip().lower() if head else None)
    steps: list[ReplayStep] = []
    for name, check in work.checks():
        try:
            check()
        except _Disagrees as found:
            steps.append(ReplayStep(name, str(found)))
        except UserError as error:
            steps.append(ReplayStep(name, error.message))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            steps.append(ReplayStep(name, "缺少应有的内容，或内容的格式不对"))
        else:
            steps.append(ReplayStep(name))
            continue
        break
    return Replay(tuple(steps), work.drawn, work.chances, work.number, work.seed)


class _Work:
    """The pack while it is being checked; each check leaves what the next one needs."""

    def __init__(self, pack: Pack, head: str | None) -> None:
        self.pack, self.head = pack, head
        self.lines: list[ChainLine] = []
        self.said: dict[str, dict[str, Any]] = {}
        self.number = self.seed = ""
        self.drawn: YearDrawn | None = None
        self.chances: tuple[Fraction, ...] = ()

    def checks(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("记录逐条相连", self._record_holds_together),
            ("承诺、公开值、封存、启封依次在案", self._steps_are_in_order),
            ("名录库与承诺一致", self._frame_was_committed),
            ("参数与承诺一致", self._parameters_were_committed),
            ("不参加抽取名单与承诺一致", self._excluded_were_committed),
            ("随机盐与承诺一致", self._salts_were_committed),
            ("种子由承诺、公开值和随机盐合成", self._seed_follows),
            ("重新抽取得到同一名单", self._draw_agrees),
            ("封存的结果即启封的结果", self._sealed_result_agrees),
            ("凭证与概率表一致", self._certificate_agrees),
            *self._round_checks(),
        )

    def _round_checks(self) -> Sequence[tuple[str, Callable[[], None]]]:
        if self.pack.round is None:
            return ()
        return (
            ("路线与封存一致、可以复算", self._routes_agree),
            ("组队由种子复算得到同一结果", self._roster_agrees),
            ("途中的替补与未到逐一在案", self._events_agree),
        )

    def _record_holds_together(self) -> None:
        texts = self.pack.log.decode("utf-8").split("\n")
        if texts.pop():
            raise _Disagrees(f"{LOG} 最后一条不完整，末尾被截去")
        for at, text in enumerate(texts, start=1):
            try:
                line = parse_line(text)
                intact = line.as_text() == text
            except (ValueError, TypeError, RecursionError):
                intact = False
            if not intact:
                raise _Disagrees(f"{LOG} 第 {at} 条不是规范写法，已被改动")
            self.lines.append(line)
        certificate = read_json(self.pack.certificate, CERTIFICATE)
        starts = bool(self.lines) and self.lines[0].seq == 1
        for head in (str(certificate["head"]), self.head):
            fault = find_chain_fault(self.lines, head=head, from_start=starts)
            if fault:
                raise _Disagrees(f"{LOG} 第 {fault.line} 条：{fault.reason}")

    def _steps_are_in_order(self) -> None:
        reveals = [line for line in self.lines if line.kind == REVEAL]
        if not reveals:
            raise _Disagrees("记录中没有启封一条，末尾可能被截去")
        self.number = str(reveals[-1].data["draw"])
        own = [line for line in self.lines if line.data.get("draw") == self.number]
        kinds = [line.kind for line in own if line.kind in STEPS]
        if kinds != list(STEPS):
            missing = [kind for kind in STEPS if kinds.count(kind) != 1]
            raise _Disagrees(
                f"抽取 {self.number} 的记录应依次为 {'、'.join(STEPS)} 各一条，"
                f"不符的是 {'、'.join(missing) or '先后次序'}"
            )
        self.said = {line.kind: line.data for line in own}

    def _frame_was_committed(self) -> None:
        _same(sha256_hex(self.pack.frame), self.said[COMMIT]["frame"], f"{FRAME} 的哈希 F")
        self.frame = parse_frame(self.pack.frame)

    def _parameters_were_committed(self) -> None:
        _same(sha256_hex(self.pack.params), self.said[COMMIT]["params"], f"{PARAMS} 的哈希 P")
        self.parameters = read_json(self.pack.params, PARAMS)
        _same(canonical_json(self.parameters), self.pack.params.decode(), f"{PARAMS} 的规范写法")
        self.rule = rule_of_parameters(self.parameters)

    def _excluded_were_committed(self) -> None:
        made = sha256_hex(self.pack.excluded)
        _same(made, self.said[COMMIT]["excluded"], f"{EXCLUDED} 的哈希")
        _same(made, self.parameters["excluded"], f"{PARAMS} 中 {EXCLUDED} 的哈希")
        both = [i for i, _ in parse_excluded(self.pack.excluded) if i in self.frame.position]
        if both:
            raise _Disagrees(f"学校 {both[0]} 既在名录库中又在不参加抽取名单中")

    def _salts_were_committed(self) -> None:
        custodians, salts = self.said[COMMIT]["custodians"], self.said[REVEAL]["salts"]
        _same([c["name"] for c in custodians], [s["name"] for s in salts], "保管人及其次序")
        for promised, given in zip(custodians, salts, strict=True):
            made = salt_commitment(given["salt"], given["name"])
            _same(made, promised["commitment"], f"保管人 {given['name']} 的随机盐")

    def _seed_follows(self) -> None:
        value = self.said[VALUE]["value"]
        _same(public_value(value), value, "公开随机值的规范写法")
        salts = [entry["salt"] for entry in self.said[REVEAL]["salts"]]
        self.seed = seed_text(self.said[COMMIT]["frame"], self.said[COMMIT]["params"], value, salts)
        _same(self.seed, self.said[REVEAL]["seed"], "种子")

    def _draw_agrees(self) -> None:
        self.drawn = draw_year(self.frame, self.rule, seed=self.seed, record=True)
        self.chances = year_chances(self.frame, self.rule)
        for ids, key, what in (
            (self.drawn.ids, "selected", "抽中名单"),
            (self.drawn.reserve_ids, "reserve", "后备名单"),
        ):
            said = self.said[REVEAL][key]
            if list(ids) != said:
                odd = sorted(set(ids) ^ set(said))
                raise _Disagrees(f"{what}与复算不符，不同之处从 {odd[0] if odd else '次序'} 起")

    def _sealed_result_agrees(self) -> None:
        reveal = self.said[REVEAL]
        made = result_commitment(
            result_text(reveal["selected"], reveal["reserve"]), reveal["nonce"]
        )
        _same(made, self.said[DRAW]["result"], "封存结果的哈希")
        if "round" in self.said[DRAW] and self.pack.round is None:
            raise _Disagrees(f"记录中封存了路线与组队，复算包中却没有 {ROUND}")

    def _certificate_agrees(self) -> None:
        certificate, reveal = read_json(self.pack.certificate, CERTIFICATE), self.said[REVEAL]
        facts = {key: reveal[key] for key in ("draw", "seed", "nonce", "selected", "reserve")}
        facts |= {
            "frame": self.said[COMMIT]["frame"],
            "params": self.said[COMMIT]["params"],
            "value": self.said[VALUE]["value"],
            "salts": [entry["salt"] for entry in reveal["salts"]],
        }
        for key, fact in facts.items():
            _same(fact, certificate[key], f"{CERTIFICATE} 中的 {key}")
        table = result_table(self.frame, self.parameters, reveal["selected"], reveal["reserve"])
        if table != self.pack.result:
            pairs = zip(table.split(b"\n"), [*self.pack.result.split(b"\n"), b""], strict=False)
            at = next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), 0)
            raise _Disagrees(f"{RESULT} 第 {at} 行与复算不符")

    def _routes_agree(self) -> None:
        self.opened = read_json(self.pack.round or b"", ROUND)
        fault = routes_fault(
            self.opened,
            parameters=self.parameters,
            sealed=self.said[DRAW]["round"],
            nonce=self.said[REVEAL]["nonce"],
        )
        _none(fault or schools_fault(self.opened, parameters=self.parameters, drawn=self._result()))

    def _roster_agrees(self) -> None:
        _none(roster_fault(self.opened, parameters=self.parameters, seed=self.seed))

    def _events_agree(self) -> None:
        own = [line for line in self.lines if line.data.get("draw") == self.number]
        _none(events_fault(own, drawn=self._result(), seed=self.seed))

    def _result(self) -> YearDrawn:
        if self.drawn is None:
            raise _Disagrees("抽取还没有复算")
        return self.drawn


def _none(fault: str) -> None:
    if fault:
        raise _Disagrees(fault)


def _same(made: object, said: object, what: str) -> None:
    if made != said:
        raise _Disagrees(f"{what}对不上：复算为 {_short(made)}，记录为 {_short(said)}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:20] + "…"
