"""Errors that a user can cause or mend; the message is theirs to read."""

from __future__ import annotations


class UserError(Exception):
    """Tell the user what is wrong and what to do next, in Chinese.

    ``message`` says what and where; ``next_step`` says what to do, or who can.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        """Keep both halves, so that a screen can set them apart."""
        super().__init__(f"{message}{next_step}")
        self.message = message
        self.next_step = next_step


class NotSignedIn(UserError):
    """Nobody is signed in, or the sign-in has ended."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("您还没有登录，或登录已失效。", "请重新登录。")


class Forbidden(UserError):
    """The actor's role does not allow this."""

    def __init__(self, what: str = "查看此内容") -> None:
        """Name what was refused."""
        super().__init__(f"您的账号无权{what}。", "如确需使用，请联系本单位管理员调整角色。")


class NotFound(UserError):
    """The thing does not exist, or lies outside the actor's scope (not told apart)."""

    def __init__(self, what: str = "该对象") -> None:
        """Name the kind of thing."""
        super().__init__(f"没有找到{what}。", "它可能已被删除，或不在您的管辖范围内。")


class EditConflict(UserError):
    """Somebody else changed the row first (optimistic lock)."""

    def __init__(self, what: str = "该记录") -> None:
        """Name the kind of thing."""
        super().__init__(f"{what}刚刚被他人修改。", "请刷新页面，核对后再提交。")
