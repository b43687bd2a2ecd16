"""What an import answers: counts per kind, problems, and the text for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from services.importers.problems import CellProblem

PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class KindCounts:
    """Row counts of one kind: ``read`` = new + changed + same + refused + skipped.

    Districts made by dissolving come on top: they are records, not rows of the file.
    """

    kind: str
    label: str
    read: int
    new: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    skipped: int = 0
    skipped_reasons: tuple[tuple[str, int], ...] = ()

    def as_text(self) -> str:
        """Return one line."""
        text = (
            f"{self.label}：读入 {self.read} 行，新增 {self.new}，更新 {self.changed}，"
            f"未变 {self.same}，拒绝 {self.refused}"
        )
        if self.skipped:
            reasons = "、".join(f"{reason} {count}" for reason, count in self.skipped_reasons)
            text += f"，略过 {self.skipped}（{reasons}）"
        return text


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of one run. ``status``: done, unchanged or refused."""

    run_id: int
    kind: str
    file_name: str
    status: str
    counts: tuple[KindCounts, ...]
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[str, ...] = ()
    is_same_file: bool = False

    @property
    def changed_anything(self) -> bool:
        """Tell whether any stored row was written."""
        return self.status == "done"

    @property
    def rows_new(self) -> int:
        """Return new records of all kinds."""
        return sum(c.new for c in self.counts)

    @property
    def rows_changed(self) -> int:
        """Return changed records of all kinds."""
        return sum(c.changed for c in self.counts)

    @property
    def rows_same(self) -> int:
        """Return records found equal, of all kinds."""
        return sum(c.same for c in self.counts)

    @property
    def rows_refused(self) -> int:
        """Return refused rows of all kinds."""
        return sum(c.refused for c in self.counts)

    def as_text(self) -> str:
        """Return the report in Chinese, a few lines."""
        if self.is_same_file:
            head = f"「{self.file_name}」与上次导入的是同一文件，库中数据也没有变化，无需处理。"
        elif self.status == "unchanged":
            head = f"「{self.file_name}」导入完成：内容与库中一致，没有任何改动。"
        else:
            head = f"「{self.file_name}」导入完成。"
        lines = [head, *(f"  {c.as_text()}" for c in self.counts)]
        lines += [f"  说明：{note}" for note in self.notes]
        lines += problem_lines(self.problems)
        return "\n".join(lines)


def problem_lines(problems: tuple[CellProblem, ...]) -> list[str]:
    """Return the first problems, blocking ones first, by row, and how many more there are."""
    ordered = sorted(problems, key=lambda p: (not p.is_blocking, p.row or 0))
    lines = [
        f"  {'错误' if p.is_blocking else '提醒'}：{p.as_text()}" for p in ordered[:PROBLEMS_SHOWN]
    ]
    if len(ordered) > PROBLEMS_SHOWN:
        lines.append(f"  …… 另有 {len(ordered) - PROBLEMS_SHOWN} 条，详见导入记录。")
    return lines
