"""Tell in one Chinese line what is wrong with the words of a command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import Enum
from typing import Any

# typer carries its own click, and has no public names for these.
from typer._click import exceptions as click

from domain.words import Word


def usage_line(error: click.ClickException) -> str:
    """Return 用法不对：what is wrong, and what may be written instead."""
    if isinstance(error, click.MissingParameter):
        told = f"缺少{_called(error.param).strip()}{_allowed(error.param)}"
    elif isinstance(error, click.BadParameter):
        told = f"{_called(error.param)}的值不对{_allowed(error.param)}"
    elif isinstance(error, click.NoSuchOption):
        told = f"没有选项 {error.option_name}{_instead(error)}"
    elif isinstance(error, click.BadOptionUsage):
        takes_none = "does not take" in error.message
        told = f"选项 {error.option_name} {'不带值' if takes_none else '后面缺少值'}"
    elif commands := getattr(getattr(error, "cmd", None), "commands", None):
        told = f"没有给出可用的命令，可用值：{_list(commands)}"
    elif "extra argument" in error.message:
        told = f"多出了不认识的内容「{error.message.rpartition('(')[2].rstrip(')')}」"
    else:
        told = error.format_message()
    context = getattr(error, "ctx", None)
    more = f"查看用法：python {context.command_path} --help" if context else ""
    return f"用法不对：{told}。{more}"


def _called(param: Any) -> str:
    if param is None:
        return "参数"
    options = [name for name in param.opts if name.startswith("-")]
    if options:
        return f"选项 {options[0]} "
    meaning = (param.help or "").partition("：")[0]
    return f"参数 {param.name.upper()}{f'（{meaning}）' if meaning else ''}"


def _allowed(param: Any) -> str:
    """Return what the parameter takes: its choices, its range, or a number."""
    if param is None:
        return ""
    takes = param.type_descriptor
    if takes.is_choice:
        return f"，可用值：{_list(map(_choice, takes.choices))}"
    if takes.annotation not in (int, float, int | None, float | None):
        return ""
    least, most = takes.parameter_info.min, takes.parameter_info.max
    bounds = [f"不小于 {least}"] if least is not None else []
    bounds += [f"不大于 {most}"] if most is not None else []
    return f"，可用值：{'，'.join(['整数', *bounds])}"


def _choice(choice: Any) -> str:
    if isinstance(choice, Word):
        return f"{choice.value}（{choice.label}）"
    return str(choice.value) if isinstance(choice, Enum) else str(choice)


def _instead(error: click.NoSuchOption) -> str:
    command = error.ctx.command if error.ctx else None
    known = [name for p in getattr(command, "params", ()) for name in p.opts if name[:2] == "--"]
    close = difflib.get_close_matches(error.option_name, known, n=1)
    if close:
        return f"，是否 {close[0]}？可用值：{_list(known)}"
    return f"，可用值：{_list(known)}" if known else ""


def _list(words: Iterable[Any]) -> str:
    return "、".join(str(word) for word in words)
