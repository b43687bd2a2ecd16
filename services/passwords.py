"""Passwords: the rule for choosing one, and argon2 for keeping it."""

from __future__ import annotations

import threading
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import UserError

MIN_LENGTH = 10
MAX_LENGTH = 128

UNUSABLE = "!"
"""Stored instead of a hash by accounts that have no password (demo accounts)."""

# argon2id with the library's defaults: RFC 9106, low-memory profile (64 MiB, 3 passes).
_HASHER = PasswordHasher()

# Two at a time: each holds 64 MiB, and a flood of tries must not starve the map.
_SLOTS = threading.BoundedSemaphore(2)

# Verified against when the name is unknown, so that an unknown name costs the same work.
_NOBODY_HASH = _HASHER.hash("没有这个账号")

# Long enough by the rule, yet among the first that anybody would try.
_COMMON_WORDS = (
    "password",
    "passw0rd",
    "qwertyuiop",
    "1qaz2wsx",
    "qazwsx",
    "admin",
    "iloveyou",
    "woaini",
    "letmein",
    "welcome",
    "abc",
    "xiaoyuan",
    "anquan",
    "ducha",
)


def check_password_rule(password: str, *, login: str) -> None:
    """Refuse a password that is short, the login itself, or among the first guesses.

    Length is what counts (NIST SP 800-63B §5.1.1.2): no rule about character classes.
    """
    where = f"账号 {login} 的密码"
    if len(password) < MIN_LENGTH:
        raise UserError(f"{where}太短。", f"请至少使用 {MIN_LENGTH} 个字符，可以是一句话。")
    if len(password) > MAX_LENGTH:
        raise UserError(f"{where}太长。", f"请不超过 {MAX_LENGTH} 个字符。")
    plain = password.lower()
    if len(set(plain)) < 4 or _is_a_run(plain) or _is_common(plain, login.lower()):
        raise UserError(f"{where}过于常见，容易被猜到。", "请换一句别人想不到的话，或随机字符。")


def _is_a_run(plain: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(plain)}
    return steps <= {1} or steps <= {-1}


def _is_common(plain: str, login: str) -> bool:
    """Tell whether nothing but digits and marks is left once a common word is taken out."""
    for word in (*_COMMON_WORDS, login):
        if word and word in plain:
            rest = plain.replace(word, "")
            if not any(c.isalpha() for c in rest):
                return True
    return plain.isdigit() and plain in "12345678901234567890" * 2


def hash_password(password: str) -> str:
    """Return the argon2id hash, salt and parameters included."""
    with _SLOTS:
        return _HASHER.hash(password)


def verify_password(stored_hash: str | None, password: str) -> bool:
    """Tell whether ``password`` fits; with no or an unusable hash do the same work and say no."""
    usable = stored_hash is not None and stored_hash != UNUSABLE
    with _SLOTS:
        try:
            fits = _HASHER.verify(stored_hash if usable and stored_hash else _NOBODY_HASH, password)
        except (VerificationError, InvalidHashError):
            return False
    return fits and usable


def needs_rehash(stored_hash: str) -> bool:
    """Tell whether the hash was made with older parameters."""
    return _HASHER.check_needs_rehash(stored_hash)
