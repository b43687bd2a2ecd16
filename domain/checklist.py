"""What a team looks at on an unannounced visit: our own short list, with a version.

Written for this product from the findings that inspections typically make; it is no public
list and stands for none. An item is never reworded under its code: a change of meaning is
a new code and a new version, so that old papers and records keep their sense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.words import HazardCategory

CHECKLIST_VERSION = "2026-1"
CHECKLIST_TITLE = "现场检查要点"


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One item. ``text`` is what should hold, ``how`` the way to see it on the spot."""

    code: str
    category: HazardCategory
    text: str
    how: str


CHECKLIST: tuple[ChecklistItem, ...] = (
    ChecklistItem(
        "D1", HazardCategory.DEFENCE, "一键报警接通公安", "当场试按，记录接警人和接通秒数"
    ),
    ChecklistItem(
        "D2", HazardCategory.DEFENCE, "监控画面完整、时钟准确", "数黑屏路数，与标准时间对差"
    ),
    ChecklistItem("D3", HazardCategory.DEFENCE, "周界报警有效", "触发一处，看值班室有无声光"),
    ChecklistItem(
        "D4", HazardCategory.DEFENCE, "专职保安足额、适龄，无教师顶岗", "对照排班和证件点人"
    ),
    ChecklistItem("G1", HazardCategory.GATE, "来访登记，核验身份后放行", "不亮身份先试进门"),
    ChecklistItem(
        "G2", HazardCategory.GATE, "上放学有带班领导、教师、保安在岗", "看高峰岗位，与排班对照"
    ),
    ChecklistItem(
        "G3", HazardCategory.GATE, "校门硬质隔离、防冲撞设施完好", "看是否移开、锁死、损坏"
    ),
    ChecklistItem("F1", HazardCategory.FIRE, "消火栓有水，灭火器在有效期", "开一处栓，抽看三具"),
    ChecklistItem("F2", HazardCategory.FIRE, "疏散通道、安全出口畅通", "走一遍，门能从内推开"),
    ChecklistItem("F3", HazardCategory.FIRE, "消防控制室有人值守", "看证件、值班记录和主机状态"),
    ChecklistItem(
        "C1", HazardCategory.FOOD, "食品留样足量、标签齐全、满 48 小时", "打开留样柜逐餐核对"
    ),
    ChecklistItem("C2", HazardCategory.FOOD, "进货查验、晨检、陪餐有记录", "抽看本周记录"),
    ChecklistItem(
        "B1", HazardCategory.BUILDING, "校舍无开裂、漏水、坠物风险", "看外墙、吊顶、栏杆高度"
    ),
    ChecklistItem(
        "B2", HazardCategory.BUILDING, "施工区与学生活动区隔开", "看围挡、出入口、动火手续"
    ),
    ChecklistItem(
        "T1", HazardCategory.TRAFFIC, "校车证照齐全、不超员、有照管员", "上车点人，看标牌和记录"
    ),
    ChecklistItem("T2", HazardCategory.TRAFFIC, "校内人车分流，车辆限时限速", "看高峰时车辆动线"),
    ChecklistItem(
        "R1", HazardCategory.SURROUNDINGS, "门前标志标线、过街设施完好", "对照六类设施逐项看"
    ),
    ChecklistItem(
        "R2", HazardCategory.SURROUNDINGS, "周边无违规网吧、摊点、出租屋", "绕校一周，拍照定位"
    ),
    ChecklistItem(
        "W1", HazardCategory.WATER, "校内外水域有警示、围护、救生器材", "看牌、圈、绳、竿是否在位"
    ),
    ChecklistItem("W2", HazardCategory.WATER, "防溺水提醒到家长", "抽看本周提醒和回执"),
    ChecklistItem(
        "L1", HazardCategory.LABORATORY, "危险化学品双人双锁、账物相符", "抽一种称量对账"
    ),
    ChecklistItem(
        "Z1", HazardCategory.DORMITORY, "宿舍夜间有人值守，无违规电器", "看值班记录，抽查两间"
    ),
    ChecklistItem(
        "M1", HazardCategory.MANAGEMENT, "按月自查、演练，记录真实", "问学生演练路线，与记录对照"
    ),
    ChecklistItem(
        "M2", HazardCategory.MANAGEMENT, "上次隐患已整改，未反弹", "带上次反馈单逐条复看"
    ),
)


def by_category(
    items: Sequence[ChecklistItem] = CHECKLIST,
) -> tuple[tuple[HazardCategory, tuple[ChecklistItem, ...]], ...]:
    """Return the items grouped by category, both in the order of the vocabulary and list."""
    groups = ((kind, tuple(i for i in items if i.category is kind)) for kind in HazardCategory)
    return tuple((kind, group) for kind, group in groups if group)
