"""The audit log as auditors read it: the last events, and whether the chain is whole."""

from __future__ import annotations

import json

import pandas as pd
from sqlalchemy import select

from db.audit import ChainReport, verify_chain
from db.models import AuditEvent
from domain.access import Actor, Permission, require
from services.house import House

KIND_LABELS: dict[str, str] = {
    "sign_in.opened": "登录",
    "sign_in.ended": "退出",
    "sign_in.failed": "登录失败",
    "account.added": "新增账号",
    "account.disabled": "停用账号",
    "account.demo_ready": "启用演示账号",
    "account.demo_ended": "关闭演示账号",
    "rules.ensured": "写入判定标准",
    "import.done": "导入数据",
    "import.unchanged": "重复导入，无变化",
    "import.refused": "导入被拒",
    "proximity.exported": "导出周边距离表",
    "risk.recomputed": "重算风险",
    "demo.build": "生成演示城市",
    "demo.inspectors": "演示督查人员",
    "demo.round": "演示封存抽取",
    "city.named": "设置城市名称",
    "export.schools": "导出学校列表",
    "export.inspectors": "导出督查人员名册",
    "export.inspectors_template": "下载督查人员模板",
    "inspector.added": "新增督查人员",
    "inspector.changed": "修改督查人员",
    "inspector.deactivated": "停用督查人员",
    "inspector.reactivated": "恢复督查人员在册",
    "inspector.tie_added": "登记回避",
    "inspector.tie_removed": "移除回避登记",
    "inspectors.imported": "导入督查人员名册",
    "inspectors.import_unchanged": "重复导入督查人员，无变化",
    "inspectors.import_refused": "督查人员导入被拒",
    "export.never_visited": "导出未督查学校",
    "plan.drafted": "新拟抽查计划",
    "plan.saved": "修改抽查计划",
    "plan.submitted": "提交抽查计划",
    "plan.returned": "退回抽查计划",
    "plan.approved": "批准抽查计划",
    "plan.cancelled": "撤销抽查计划",
    "draw.committed": "抽取承诺",
    "draw.drawn": "抽出结果",
    "draw.pressed_again": "重复提交抽取，未再抽",
    "draw.voided": "作废抽取",
    "draw.used": "采用抽取",
    "draw.visits_recorded": "登记抽中学校的督查",
    "draw.pack_exported": "下载复算包",
    "draw.list_exported": "下载抽中名单",
    "draw.certificate_exported": "下载抽查凭证",
    "draw.duels_shown": "在地图上看对决",
    "draw.commit_sheet_exported": "下载承诺书",
    "draw.revealed": "启封抽取",
    "draw.published": "公示抽取结果",
    "round.opened": "开一次出发",
    "round.cancelled": "取消出发",
    "round.salt_made": "生成或登记随机盐",
    "round.pressed_again": "重复承诺，未再承诺",
    "round.value_entered": "录入公开值",
    "round.salt_entered": "录入随机盐",
    "round.resumed": "继续出发",
    "round.departed": "出发封存",
    "draw.route_sheet_exported": "下载简易抽取路线单",
    "round.route_seen": "查看本队路线",
    "round.stop_recorded": "记录督查情况",
    "round.member_absent": "记录人员未到",
    "round.route_sheet_exported": "下载督查路线单",
    "round.feedback_exported": "下载督查反馈单",
}
"""What auditors read for the stable English ``kind``; others are shown as they are stored."""


def verify_audit(actor: Actor, house: House) -> ChainReport:
    """Recompute the whole chain; ``broken_at`` names the first event that disagrees."""
    require(actor, Permission.VIEW_AUDIT)
    with house.engine.connect() as connection:
        return verify_chain(connection)


def list_events(actor: Actor, house: House, *, limit: int = 500) -> pd.DataFrame:
    """Return the newest events first.

    Columns: ``seq`` int, ``time`` aware UTC timestamp, ``actor``, ``kind``, ``what`` (its
    label), ``subject`` str, ``data`` JSON text, ``hash`` hex.
    """
    require(actor, Permission.VIEW_AUDIT)
    columns = ["seq", "time", "actor", "kind", "subject", "data", "hash"]
    with house.engine.connect() as connection:
        rows = connection.execute(
            select(*(getattr(AuditEvent, name) for name in columns))
            .order_by(AuditEvent.seq.desc())
            .limit(limit)
        ).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    frame["data"] = [json.dumps(value, ensure_ascii=False) for value in frame["data"]]
    frame.insert(4, "what", frame["kind"].map(KIND_LABELS).fillna(frame["kind"]))
    return frame
