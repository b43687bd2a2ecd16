"""The year's draw: two streams, so that coverage is met and nobody is ever safe; reserve.

Section 6 of the specification. Stream A holds the schools not yet inspected this cycle,
stream B those already inspected (回头看). Each is an exact draw of its own under the same
seed, with the labels ``A`` and ``B``; the places are split under the label ``split``, the
reserve is drawn under ``R``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from domain.draw.frame import Frame
from domain.draw.pivotal import Drawn, Preparation, draw, draw_prepared, share_tickets
from domain.draw.randomness import HashStream, sha256_hex
from domain.errors import UserError

STREAM_NEW, STREAM_AGAIN, STREAM_SPLIT, STREAM_RESERVE = "A", "B", "split", "R"
PERMILLE = 1000


@dataclass(frozen=True)
class DrawRule:
    """How many places are drawn, in which streams, and how large the reserve is.

    ``streams`` is 1 (one draw under ``label``) or 2 (A and B). ``rho_permille`` is the
    look-back share ρ in thousandths and ``inspected`` the ids already inspected this
    cycle; both count only with two streams.
    """

    n: int
    streams: int = 1
    label: str = ""
    rho_permille: int = 0
    inspected: tuple[str, ...] = ()
    reserve: int = 0


@dataclass(frozen=True)
class Split:
    """How many of the n places stream B gets: ``low``, or ``high`` with ``chance_high``."""

    low: int
    high: int
    part: int
    whole: int

    @property
    def chance_high(self) -> Fraction:
        """Return the chance that stream B gets ``high`` places."""
        return Fraction(self.part, self.whole)


@dataclass(frozen=True)
class YearDrawn:
    """A finished draw over one or two streams, with its reserve, all as frame positions."""

    frame: Frame
    rule: DrawRule
    selected: tuple[int, ...]
    reserve: tuple[int, ...]
    streams: tuple[tuple[str, Drawn], ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the selected ids in frame order."""
        return tuple(self.frame.ids[p] for p in self.selected)

    @property
    def reserve_ids(self) -> tuple[str, ...]:
        """Return the ids of the reserve in frame order."""
        return tuple(self.frame.ids[p] for p in self.reserve)


def split_places(*, n: int, rho_permille: int, schools: int, inspected: int) -> Split:
    """Say how ``n`` places are shared between the streams.

    B gets n·min(ρ, |B|/N) on average, rounded down or up at random. Where stream A has
    fewer schools than it would get places, B gets the rest, so that n is always met; B's
    chance then still stays below the average. Raises ``UserError`` unless 0 ≤ ρ ≤ 1000
    thousandths and n ≤ ``schools``.
    """
    if not 0 <= rho_permille <= PERMILLE:
        raise UserError(
            f"回头看比例 ρ 为千分之 {rho_permille}，超出范围。", "请填写 0 到 1000 之间的整数。"
        )
    if n > schools:
        raise UserError(
            f"要抽 {n} 所，但名录库中有 {schools} 所学校。", "请减少抽取数量，或放宽抽取范围。"
        )
    whole = max(PERMILLE * schools, 1)
    q = n * min(rho_permille * schools, PERMILLE * inspected)
    least = n - (schools - inspected)
    base, part = divmod(q, whole)
    return Split(low=max(base, least), high=max(base + (part > 0), least), part=part, whole=whole)


class YearPreparation:
    """What all draws of one frame under one rule have in common."""

    def __init__(self, frame: Frame, rule: DrawRule) -> None:
        """Check the rule and part the frame into its streams.

        Raises ``UserError`` where ids are unknown or there are fewer schools than places
        and reserve together.
        """
        _check(frame, rule)
        self.frame, self.rule = frame, rule
        inspected = {frame.position[school] for school in rule.inspected}
        everyone = range(len(frame))
        self.split = Split(0, 0, 0, 1)
        self.places: dict[str, list[int]] = {rule.label: list(everyone)}
        if rule.streams == 2:
            self.split = split_places(
                n=rule.n,
                rho_permille=rule.rho_permille,
                schools=len(frame),
                inspected=len(inspected),
            )
            self.places = {
                STREAM_NEW: [p for p in everyone if p not in inspected],
                STREAM_AGAIN: sorted(inspected),
            }
        self._prepared: dict[tuple[str, int], Preparation] = {}

    def sizes(self, again: int) -> dict[str, int]:
        """Return the number of places per stream where B gets ``again`` of them."""
        if self.rule.streams == 1:
            return {self.rule.label: self.rule.n}
        return {STREAM_NEW: self.rule.n - again, STREAM_AGAIN: again}

    def stream(self, label: str, n: int) -> Preparation:
        """Return the preparation of one stream, made once."""
        key = label, n
        if key not in self._prepared:
            self._prepared[key] = Preparation(self.frame.take(self.places[label]), n)
        return self._prepared[key]

    def again_places(self, seed: str) -> int:
        """Draw how many places stream B gets under this seed."""
        if self.rule.streams == 1:
            return 0
        extra = HashStream(seed, STREAM_SPLIT).chance(self.split.part, self.split.whole)
        return self.split.high if extra else self.split.low

    def draw_streams(self, seed: str, *, record: bool = False) -> dict[str, Drawn]:
        """Draw all streams under a seed; positions count inside each stream's frame."""
        return {
            label: draw_prepared(self.stream(label, n), HashStream(seed, label), record=record)
            for label, n in self.sizes(self.again_places(seed)).items()
        }

    def draw_positions(self, seed: str) -> list[int]:
        """Draw all streams; return the selected places in the whole frame, ascending."""
        return sorted(
            self.places[label][p]
            for label, drawn in self.draw_streams(seed).items()
            for p in drawn.selected
        )


def draw_year(frame: Frame, rule: DrawRule, *, seed: str, record: bool = False) -> YearDrawn:
    """Draw the schools and the reserve of one round under a seed text.

    Keeps every duel where ``record`` is true (with positions inside the stream's own
    frame). Raises ``UserError`` where the rule does not fit the frame.
    """
    prepared = YearPreparation(frame, rule)
    streams = prepared.draw_streams(seed, record=record)
    selected = sorted(
        prepared.places[label][p] for label, drawn in streams.items() for p in drawn.selected
    )
    chosen = set(selected)
    rest = [p for p in range(len(frame)) if p not in chosen]
    reserve = draw(frame.take(rest), rule.reserve, seed=seed, label=STREAM_RESERVE)
    return YearDrawn(
        frame=frame,
        rule=rule,
        selected=tuple(selected),
        reserve=tuple(rest[p] for p in reserve.selected),
        streams=tuple(streams.items()),
    )


def year_chances(frame: Frame, rule: DrawRule) -> tuple[Fraction, ...]:
    """Return every school's exact chance of selection in frame order, over both splits.

    The reserve counts nothing here. Raises ``UserError`` where the rule does not fit.
    """
    prepared = YearPreparation(frame, rule)
    high = prepared.split.chance_high
    chances = [Fraction(0)] * len(frame)
    for again, share in ((prepared.split.low, 1 - high), (prepared.split.high, high)):
        if not share:
            continue
        for label, n in prepared.sizes(again).items():
            places = prepared.places[label]
            tickets = share_tickets([frame.weights[p] for p in places], n)
            for p, chance in zip(places, tickets.chances, strict=True):
                chances[p] += share * chance
    return tuple(chances)


def choose_replacement(
    *,
    frame: Frame,
    reserve: Sequence[str],
    used: Collection[str],
    lost: str,
    seed: str,
) -> str:
    """Choose the reserve school that replaces a lost one; return its id.

    One of the same deepest stratum, else of the same parent, else any; among several the
    one with the smallest SHA-256 of ``{seed}|R|{id}``. ``used`` are reserve schools that
    replaced others before, or are lost themselves. Raises ``UserError`` where the reserve
    is used up. Source: section 6 of the specification.
    """
    stratum = frame.strata[frame.position[lost]]
    parent = stratum.rpartition("/")[0]
    left = [school for school in reserve if school not in used]
    strata = {school: frame.strata[frame.position[school]] for school in left}
    same = [school for school in left if strata[school] == stratum]
    near = [school for school in left if strata[school].rpartition("/")[0] == parent]
    among = same or near or left
    if not among:
        raise UserError(
            "后备名单已用完，没有可以替补的学校。",
            "请由负责人决定减少本次数量，或另行组织一次抽取。",
        )
    return min(among, key=lambda school: sha256_hex(f"{seed}|{STREAM_RESERVE}|{school}"))


def _check(frame: Frame, rule: DrawRule) -> None:
    if rule.streams not in (1, 2):
        raise UserError(f"抽取分流数为 {rule.streams}，只能是 1 或 2。", "请使用系统导出的参数。")
    unknown = [school for school in rule.inspected if school not in frame.position]
    if unknown:
        raise UserError(f"已查学校“{unknown[0]}”不在名录库中。", "请只列出本次名录库中的学校。")
    if rule.n < 0 or rule.reserve < 0 or rule.n + rule.reserve > len(frame):
        raise UserError(
            f"要抽 {rule.n} 所、后备 {rule.reserve} 所，但名录库中有 {len(frame)} 所学校。",
            "请减少抽取或后备数量，或放宽抽取范围。",
        )
