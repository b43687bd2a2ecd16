from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from domain import sampling_rules
from domain.rules import DEFAULT_PARAMETERS, INPUTS
from domain.words import Role
from services.importers.kinds import OSM, resolve_kind
from settings import ROOT
from tests.architecture.documents import (
    DOCUMENTS,
    GUIDES,
    Command,
    all_options,
    blocks,
    commands,
    find_command,
    inline_codes,
    links,
    tables,
    text_of,
)
from tests.architecture.test_readme import PASSWORD, settings_by_variable

FORMULAS = ROOT / "docs" / "算法与依据.md"
MADE_AT_RUN_TIME = ("var/", ".venv")
TESTS_ONLY = {"CSM_TEST_DATA"}
SCREEN_FOLDERS = ("components", "pages", "routes", "services", "domain", "db", "static")
LINES_A_PAGE = 60


def each(documents: list[Path]) -> Any:
    return pytest.mark.parametrize("document", documents, ids=lambda path: path.name)


@pytest.mark.parametrize("command", sorted(set(commands()), key=str), ids=str)
def test_every_command_named_exists_and_takes_the_words_shown(command: Command) -> None:
    found, name, rest = find_command(command.words)
    if not command.is_whole and not rest:
        return
    if name == "add":
        rest += ["--password", PASSWORD]
    taken = found.make_context(name, rest)
    if name == "import":
        kind = taken.params["kind"]
        assert kind == OSM or resolve_kind(kind).name == kind


@each(DOCUMENTS)
def test_every_option_named_is_an_option(document: Path) -> None:
    named = {code.split()[0] for code in inline_codes(text_of(document)) if code.startswith("--")}
    assert named <= all_options()


@each(DOCUMENTS)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(text_of(document)):
        assert not link.startswith("http"), f"{link}: the product needs no outside page"
        assert (document.parent / unquote(link)).exists(), link


def test_every_document_is_linked_from_the_readme() -> None:
    linked = {(ROOT / unquote(link)).resolve() for link in links(text_of(ROOT / "README.md"))}
    assert {path for path in DOCUMENTS if path.name != "README.md"} <= linked


@each(DOCUMENTS)
def test_every_file_named_exists(document: Path) -> None:
    missing = []
    for code in inline_codes(text_of(document)):
        is_path = re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", code) and (
            "/" in code or re.search(r"\.(py|toml|txt|in|md|css|js)$", code)
        )
        if is_path and not code.startswith(MADE_AT_RUN_TIME) and not (ROOT / code).exists():
            missing.append(code)
    assert missing == []


@each(DOCUMENTS)
def test_every_variable_named_is_a_setting(document: Path) -> None:
    named = set(re.findall(r"\bCSM_[A-Z_]+\b|\bDATABASE_URL\b", text_of(document)))
    assert named - TESTS_ONLY <= set(settings_by_variable())


@each(DOCUMENTS)
def test_every_make_target_named_exists(document: Path) -> None:
    text = text_of(document)
    codes = [*inline_codes(text), *(line for _, body in blocks(text) for line in body.splitlines())]
    named = {match[1] for code in codes if (match := re.match(r"make ([a-z-]+)", code))}
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert named <= targets


def screen_texts() -> str:
    kinds = {".py", ".js", ".html"}
    files = [p for name in SCREEN_FOLDERS for p in sorted((ROOT / name).rglob("*"))]
    return "\n".join(
        text_of(path) for path in files if path.suffix in kinds and "vendor" not in path.parts
    )


SCREENS = screen_texts()


@each(GUIDES)
def test_every_label_a_guide_quotes_is_on_a_screen(document: Path) -> None:
    quoted = re.findall(r"「([^」]+)」", text_of(document))
    assert len(quoted) >= 10
    assert [label for label in quoted if label not in SCREENS] == []


def test_every_role_has_its_guide() -> None:
    together = "\n".join(path.name + text_of(path).partition("\n")[0] for path in GUIDES)
    assert [role.label for role in Role if role.label not in together] == []


@each(GUIDES)
def test_a_guide_fits_two_pages(document: Path) -> None:
    assert len(text_of(document).splitlines()) <= 2 * LINES_A_PAGE


def number(cell: str) -> Any:
    """Return the number or the list of numbers that a cell holds."""
    found = [float(part) for part in re.split("[、,]", cell)]
    return found[0] if len(found) == 1 else found


def documented_parameters() -> dict[str, tuple[Any, str, str]]:
    """Return (value, unit, source) of every single-valued parameter the document tabulates."""
    return {
        inline_codes(row[0])[0]: (number(row[1]), row[2], row[3])
        for table in tables(text_of(FORMULAS))
        if table[0][0] == "参数"
        for row in table[1:]
    }


def documented_maps() -> dict[str, dict[str, float]]:
    """Return every mapping parameter: its column head names it, the first cell its key."""
    found: dict[str, dict[str, float]] = {}
    for table in tables(text_of(FORMULAS)):
        heads = [(inline_codes(cell) or [""])[0] for cell in table[0]]
        for at, name in enumerate(heads):
            if isinstance(DEFAULT_PARAMETERS.get(name, {}).get("value"), dict):
                cells = {inline_codes(row[0])[0]: row[at] for row in table[1:]}
                kept = {key: float(cell) for key, cell in cells.items() if cell not in ("", "–")}
                found.setdefault(name, {}).update(kept)
    return found


def test_the_formulas_tabulate_every_parameter_as_shipped() -> None:
    scalars = {
        name: (p["value"], p["unit"], p["source"])
        for name, p in DEFAULT_PARAMETERS.items()
        if not isinstance(p["value"], dict)
    }
    assert documented_parameters() == scalars


def test_the_formulas_tabulate_every_weight_prior_and_danger_as_shipped() -> None:
    maps = {
        name: p["value"] for name, p in DEFAULT_PARAMETERS.items() if isinstance(p["value"], dict)
    }
    assert documented_maps() == maps


def test_the_formulas_call_every_input_as_the_screen_does() -> None:
    from domain.risk_text import LABELS

    rows = {
        inline_codes(row[0])[0]: row[0]
        for table in tables(text_of(FORMULAS))
        for row in table[1:]
        if inline_codes(row[0])
    }
    assert [name for name in INPUTS if LABELS[name] not in rows[name]] == []


def test_the_sampling_rules_are_tabulated_as_shipped() -> None:
    (table,) = (t for t in tables(text_of(FORMULAS)) if t[0][0] == "抽查参数")
    rows = {inline_codes(row[0])[0]: row[1:] for row in table[1:]}
    elsewhere = {"road_kmh", "detour_pct", "straight_kmh", "access_kmh"}
    assert set(rows) == set(sampling_rules.DEFAULT_PARAMETERS) - elsewhere
    for name, (value, unit, source) in rows.items():
        shipped = sampling_rules.DEFAULT_PARAMETERS[name]
        weights = sampling_rules.SHIPPED.level_weights
        said = "、".join(f"{level.label} {weight}" for level, weight in weights.items())
        shown = said if isinstance(shipped["value"], dict) else str(shipped["value"])
        assert (value, unit, source) == (shown, shipped["unit"], shipped["source"]), name
