"""Read README.md and the guides the way their tests need to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from manage import cli
from settings import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [path for path in DOCUMENTS if path.name.startswith("指南-")]

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Command:
    """One `manage.py` command: where it stands, its words, and whether it claims to be whole."""

    document: str
    words: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.document}: {' '.join(self.words)}"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Return (language, body) of every fenced block."""
    return [(m[1], m[2]) for m in _FENCE.finditer(text)]


def inline_codes(text: str) -> list[str]:
    return _INLINE.findall(_FENCE.sub("", text))


def links(text: str) -> list[str]:
    return _LINK.findall(_FENCE.sub("", text))


def tables(text: str) -> list[list[list[str]]]:
    """Return every table as rows of cells, the heading first."""
    found: list[list[list[str]]] = []
    rows: list[list[str]] = []
    for line in [*_FENCE.sub("", text).splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                rows.append(cells)
        elif rows:
            found.append(rows)
            rows = []
    return found


def table_with(text: str, *headings: str) -> list[list[str]]:
    """Return the body of the first table whose heading begins with ``headings``."""
    for table in tables(text):
        if table[0][: len(headings)] == list(headings):
            return table[1:]
    raise LookupError(f"no table with the headings {headings}")


def commands() -> list[Command]:
    """Return every `manage.py` command of all documents.

    In a block it is meant to be typed as it stands; in running text it may stop after
    the command's name.
    """
    found = []
    for path in DOCUMENTS:
        text = text_of(path)
        lines = [line for _, body in blocks(text) for line in body.splitlines()]
        for line in lines:
            match = re.match(r"(?:\$ )?python manage\.py (.+)", line.strip())
            if match:
                found.append(Command(path.name, tuple(match[1].split()), True))
        for code in inline_codes(text):
            match = re.match(r"(?:python )?manage\.py (.+)", code)
            if match:
                words = tuple(match[1].split())
                found.append(Command(path.name, words, any(w.startswith("-") for w in words)))
    return found


def leaves() -> set[tuple[str, ...]]:
    """Return the path of every command that the product has."""

    def below(command: Any, path: tuple[str, ...]) -> set[tuple[str, ...]]:
        if not hasattr(command, "commands"):
            return {path}
        inner = command.commands.items()
        return {leaf for name, child in inner for leaf in below(child, (*path, name))}

    return below(typer.main.get_command(cli), ())


def all_options() -> set[str]:
    """Return every option of every command."""
    found = [find_command(path)[0] for path in leaves()]
    return {name for command in found for option in command.params for name in option.opts}


def find_command(words: tuple[str, ...]) -> tuple[Any, str, list[str]]:
    """Return the command that ``words`` name, its own name, and the words that follow."""
    command, name, rest = typer.main.get_command(cli), "", list(words)
    while hasattr(command, "commands"):
        assert rest, f"{' '.join(words)} is a group of commands"
        name = rest.pop(0)
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    return command, name, rest
