"""The list on screen as a workbook, audited, for those who may take it away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.access import Actor, Permission, require
from domain.school_filter import SchoolFilter
from domain.words import Coverage, InspectionStatus, Ownership, RiskLevel, SchoolKind, Word
from services.house import House
from services.map_schools import SortBy, load_school_table, ordered_rows
from services.reports.workbooks import Sheet, make_workbook

DEFINITIONS = (
    "风险分 0–100，越高越险；数据完整度低于判定标准的下限时等级为“数据不足”，不给分。",
    "督查状态与覆盖只看本年；逾期＝期限已过而整改尚未提交。空格＝未登记，不代表零或安全。",
)


def export_schools(actor: Actor, house: House, *, wanted: SchoolFilter, sort: SortBy) -> bytes:
    """Return the kept schools as xlsx bytes, in the order of the list; writes an audit event.

    Raises ``Forbidden`` for roles that may not export.
    """
    require(actor, Permission.EXPORT_LIST)
    table = load_school_table(actor, house)
    rows = ordered_rows(actor, house, wanted=wanted, sort=sort)

    def word(column: str, enum: type[Word]) -> list[str]:
        labels = [item.label for item in enum]
        return [labels[i] for i in table.bytes_[column][rows]]

    unknown = table.bytes_["level"][rows] == list(RiskLevel).index(RiskLevel.UNKNOWN)
    areas = np.array([*table.district_names, "未归属区县"], dtype=object)
    at = pa.array(rows)
    frame = pd.DataFrame(
        {
            "学校代码": table.codes.take(at).to_pylist(),
            "学校名称": table.names.take(at).to_pylist(),
            "区县": areas[np.minimum(table.district[rows], len(areas) - 1)],
            "学段": word("kind", SchoolKind),
            "办别": word("ownership", Ownership),
            "在校生（人）": table.students[rows],
            "风险等级": word("level", RiskLevel),
            "风险分": np.where(unknown, np.nan, table.score[rows]).round(1),
            "数据完整度": table.completeness[rows],
            "本年督查状态": word("status", InspectionStatus),
            "本年督查覆盖": word("coverage", Coverage),
            "未销号隐患（处）": table.bytes_["open"][rows],
            "其中逾期（处）": table.bytes_["overdue"][rows],
        }
    )
    today = house.today()
    with house.write(actor) as work:
        work.audit(
            "export.schools",
            f"{len(frame)} 所",
            {"filter": wanted.to_query(), "sort": sort.value, "rows": len(frame)},
        )
    title = f"学校列表（{len(frame):,} 所，数据日期 {today:%Y-%m-%d}）"
    return make_workbook(Sheet("学校列表", title, DEFINITIONS, frame, percent=("数据完整度",)))
