"""Who may do what, and how far their sight reaches: pure rules, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import Forbidden
from domain.words import Role, Word


class Permission(Word):
    VIEW_MAP = "view_map", "查看一张图"
    EXPORT_LIST = "export_list", "导出学校列表"
    EXPORT_PROXIMITY = "export_proximity", "导出周边距离表"
    IMPORT_DATA = "import_data", "导入数据"
    VIEW_IMPORTS = "view_imports", "查看导入记录"
    RECOMPUTE_RISK = "recompute_risk", "重算风险"
    MANAGE_ACCOUNTS = "manage_accounts", "管理账号"
    VIEW_AUDIT = "view_audit", "查看审计日志"
    DRAW = "draw", "抽取学校"
    VIEW_DRAWS = "view_draws", "查看抽取结果"
    REPLAY = "replay", "复算抽取"
    VIEW_PLANS = "view_plans", "查看抽查计划"
    EDIT_PLANS = "edit_plans", "拟定抽查计划"
    APPROVE_PLANS = "approve_plans", "批准抽查计划"
    MANAGE_INSPECTORS = "manage_inspectors", "管理督查人员"
    KEEP_SALT = "keep_salt", "保管随机盐"
    VIEW_OWN_ROUTE = "view_own_route", "查看本队路线"
    PUBLISH_DRAW = "publish_draw", "公示抽取结果"
    VIEW_PUBLISHED = "view_published", "查看公示结果"
    VIEW_FEEDBACK = "view_feedback", "查看本校反馈单"
    VIEW_COVERAGE = "view_coverage", "查看全年覆盖"


_EVERY_ROLE = frozenset(Role)

ALLOWED: dict[Permission, frozenset[Role]] = {
    Permission.VIEW_MAP: _EVERY_ROLE,
    Permission.EXPORT_LIST: frozenset(
        {Role.LEADER, Role.INSPECTOR, Role.DISTRICT, Role.POLICE, Role.ADMIN}
    ),
    Permission.EXPORT_PROXIMITY: frozenset(
        {Role.LEADER, Role.INSPECTOR, Role.DISTRICT, Role.POLICE, Role.ADMIN}
    ),
    Permission.IMPORT_DATA: frozenset({Role.ADMIN}),
    Permission.VIEW_IMPORTS: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.RECOMPUTE_RISK: frozenset({Role.ADMIN}),
    Permission.MANAGE_ACCOUNTS: frozenset({Role.ADMIN}),
    Permission.VIEW_AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Permission.DRAW: frozenset({Role.INSPECTOR, Role.DISTRICT}),
    Permission.VIEW_DRAWS: frozenset({Role.INSPECTOR, Role.DISTRICT, Role.LEADER, Role.AUDITOR}),
    Permission.VIEW_PLANS: frozenset({Role.INSPECTOR, Role.DISTRICT, Role.LEADER, Role.AUDITOR}),
    Permission.EDIT_PLANS: frozenset({Role.INSPECTOR, Role.DISTRICT}),
    Permission.APPROVE_PLANS: frozenset({Role.LEADER}),
    Permission.MANAGE_INSPECTORS: frozenset({Role.INSPECTOR, Role.DISTRICT}),
    # The administrator runs the server, so another hand keeps what the server must not know.
    Permission.KEEP_SALT: frozenset(
        {Role.LEADER, Role.INSPECTOR, Role.DISTRICT, Role.AUDITOR, Role.POLICE}
    ),
    Permission.VIEW_OWN_ROUTE: frozenset({Role.INSPECTOR, Role.DISTRICT, Role.POLICE}),
    Permission.PUBLISH_DRAW: frozenset({Role.LEADER}),
    Permission.VIEW_PUBLISHED: _EVERY_ROLE,
    Permission.VIEW_FEEDBACK: frozenset({Role.SCHOOL}),
    Permission.REPLAY: _EVERY_ROLE - {Role.SCHOOL, Role.TOWNSHIP},
    Permission.VIEW_COVERAGE: frozenset({Role.LEADER, Role.INSPECTOR, Role.DISTRICT, Role.AUDITOR}),
}

SCOPE_FIELD: dict[Role, str] = {
    Role.DISTRICT: "district_id",
    Role.TOWNSHIP: "township_id",
    Role.SCHOOL: "school_id",
}
"""The scope id without which an account of that role sees nothing at all."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: one signed-in account, re-read from its token on every request.

    The ids are database ids; ``None`` means "not limited by this", except for
    the roles in ``SCOPE_FIELD``, where a missing scope means "sees nothing".
    """

    account_id: int | None
    login: str
    name: str
    role: Role
    district_id: int | None = None
    township_id: int | None = None
    school_id: int | None = None
    station_id: int | None = None

    @property
    def scope_key(self) -> str:
        """Return the key that caches and ETags use: same key, same visible rows."""
        if self.role is Role.SCHOOL:
            return f"school:{self.school_id}"
        if self.role is Role.TOWNSHIP:
            return f"township:{self.township_id}"
        if self.role is Role.DISTRICT:
            return f"district:{self.district_id}"
        if self.role is Role.POLICE and self.station_id is not None:
            # The district still limits waters, facilities and posts, so it is part of the key.
            return f"station:{self.station_id}:district:{self.district_id}"
        if self.district_id is not None:
            return f"district:{self.district_id}"
        return "city"

    def may(self, permission: Permission) -> bool:
        """Tell whether the role carries the permission."""
        return self.role in ALLOWED[permission]


SYSTEM = Actor(account_id=None, login="system", name="系统命令行", role=Role.ADMIN)
"""The command line on the server itself; whoever runs it already owns the disk."""


def require(actor: Actor, permission: Permission) -> None:
    """Raise ``Forbidden`` unless the actor's role carries the permission."""
    if not actor.may(permission):
        raise Forbidden(permission.label)
