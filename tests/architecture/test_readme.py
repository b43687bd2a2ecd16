from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from components.registry import PAGES
from domain.access import ALLOWED, SCOPE_FIELD, Permission
from domain.words import Role
from routes.guard import OPEN_TO_STRANGERS
from settings import ROOT, Settings
from tests.architecture.documents import (
    blocks,
    inline_codes,
    leaves,
    table_with,
    tables,
    text_of,
)

README = text_of(ROOT / "README.md")
PASSWORD = "clear river 42 stones"
EMPTY = "*(empty)*"
PAGE_COLUMNS = {
    "list as Excel": Permission.EXPORT_LIST,
    **{entry.title: entry.permission for entry in PAGES},
}


def settings_by_variable() -> dict[str, Any]:
    """Return every setting's field by the environment variable that sets it."""
    prefix = Settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}".upper()): field
        for name, field in Settings.model_fields.items()
    }


def as_documented(default: object) -> str:
    """Return a default as the table of settings writes it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path):
        return f"`{default.relative_to(ROOT)}`"
    return f"`{default}`" if default != "" else EMPTY


def run_command(words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one `python manage.py …` line as a clerk would, in a folder of its own."""
    program, script, *rest = words.split()
    assert (program, script) == ("python", "manage.py")
    kept = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *rest],
        cwd=folder,
        env={**kept, "CSM_VAR_DIR": str(folder / "var"), "PYTHONUTF8": "1", **environment},
        input=f"{PASSWORD}\n{PASSWORD}\n",
        start_new_session=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def lines_match(documented: list[str], printed: str) -> bool:
    """Tell whether the documented lines occur in the output, … standing for anything."""
    pattern = ".*".join(
        re.escape(part.strip()) for line in documented for part in [*line.split("…"), ""]
    )
    return re.search(pattern, printed, re.DOTALL) is not None


def console_lines() -> list[tuple[str, list[str]]]:
    """Return (command, documented output lines) of the block that the README says is run."""
    body = next(body for language, body in blocks(README) if language == "console")
    found: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def test_the_quick_commands_print_what_the_readme_shows(tmp_path: Path) -> None:
    shown = console_lines()
    assert len(shown) >= 4
    for command, documented in shown:
        result = run_command(command, tmp_path)
        assert result.returncode == 0, f"{command}\n{result.stderr}"
        assert documented, f"{command} has no output in the README"
        assert lines_match(documented, result.stdout), f"{command}\n{result.stdout}"


def test_the_exit_codes_are_those_of_the_table(tmp_path: Path) -> None:
    code_of = {row[1]: int(row[0]) for row in table_with(README, "code", "meaning")}
    bad_input = next(code for text, code in code_of.items() if text.startswith("wrong use"))
    fault = next(code for text, code in code_of.items() if "unexpected fault" in text)
    refused = run_command("python manage.py user add li --role district --password x", tmp_path)
    assert refused.returncode == bad_input
    assert "Traceback" not in refused.stderr
    broken = run_command("python manage.py init", tmp_path, DATABASE_URL="nonsense://")
    assert broken.returncode == fault


def test_every_command_of_the_product_has_its_row() -> None:
    rows = [row for table in tables(README) for row in table if "`python manage.py" in row[0]]
    named = {tuple(inline_codes(row[0])[0].split()[2:]) for row in rows}
    assert named == leaves()


def test_the_table_of_settings_equals_the_settings() -> None:
    rows = table_with(README, "variable", "meaning", "unit", "default", "why")
    assert [inline_codes(row[0])[0] for row in rows] == list(settings_by_variable())
    for row, field in zip(rows, settings_by_variable().values(), strict=True):
        assert row[3] == as_documented(field.default), row[0]
        assert all(row), f"{row[0]} leaves something out"


def test_the_table_of_roles_equals_the_permissions() -> None:
    heading = next(table for table in tables(README) if table[0][0] == "role")[0]
    assert set(PAGE_COLUMNS) <= set(heading)
    rows = table_with(README, "role")
    assert [row[0] for row in rows] == [f"`{role.value}` {role.label}" for role in Role]
    for role, row in zip(Role, rows, strict=True):
        for column, permission in PAGE_COLUMNS.items():
            ticked = row[heading.index(column)] == "✓"
            assert ticked == (role in ALLOWED[permission]), f"{role.label}, {column}"
        scope = SCOPE_FIELD.get(role, "").removesuffix("_id")
        needs = re.search(r"needs `--(\w+)`", row[heading.index("sees")])
        assert (needs[1] if needs else "") == scope, role.label


def test_the_open_doors_named_are_those_that_are_open() -> None:
    section = README.partition("## Security")[2].partition("## ")[0]
    stranger = section.partition("**What a stranger gets:**")[2].partition("\n")[0]
    named = {code for code in inline_codes(stranger) if code.startswith("/")}
    readable = {path for method, path in OPEN_TO_STRANGERS if method == "GET"}
    assert readable - {"/sign-in"} == named


def test_the_layout_shown_is_the_layout() -> None:
    body = next(body for _, body in blocks(README) if body.startswith("app.py"))
    shown = {line.split()[0].rstrip("/") for line in body.splitlines()}
    assert {name for name in shown if not (ROOT / name).exists()} == set()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"pages"}
    assert packages <= shown


def test_the_plain_way_needs_no_shell() -> None:
    windows = next(body for _, body in blocks(README) if "Scripts" in body)
    assert "pip install -r requirements.txt" in windows
    assert "streamlit run app.py" in windows
    assert "make " not in windows


def test_the_screenshot_is_a_whole_screen_and_not_heavy() -> None:
    picture = ROOT / "docs" / "images" / "map.png"
    data = picture.read_bytes()
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    assert (width, height) == (1366, 768)
    assert len(data) < 400_000
