"""The rules of the house that import-linter cannot see."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from components.registry import PAGES
from settings import ROOT

SCREEN_LIBRARIES = {"streamlit", "folium", "streamlit_folium", "altair", "branca"}
MAY_IMPORT_SCREENS = {"app.py", "main.py", "pages", "components", "tests"}
OUR_NAMES = (
    "app.py", "main.py", "manage.py", "settings.py", "pages", "components", "routes",
    "services", "db", "domain", "geo",
)  # fmt: skip


def sources() -> list[Path]:
    found: list[Path] = []
    for name in OUR_NAMES:
        path = ROOT / name
        found.extend(sorted(path.rglob("*.py")) if path.is_dir() else [path])
    return found


def trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sources()
    }


TREES = trees()
PAGE_FILES = sorted(
    name for name in TREES if name.startswith("pages/") and not name.endswith("__init__.py")
)


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def is_guard_call(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Assign | ast.Expr) else None
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "guard"
    )


def after_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    has_docstring = (
        body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    )
    return body[1:] if has_docstring else body


def is_fragment(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fragment" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_no_python_file_lies_directly_under_pages() -> None:
    """Streamlit would serve it without the front door."""
    assert [p.name for p in (ROOT / "pages").glob("*.py") if p.name != "__init__.py"] == []


def test_only_screens_import_the_screen_libraries() -> None:
    guilty = {
        name: sorted(imported(tree) & SCREEN_LIBRARIES)
        for name, tree in TREES.items()
        if name.split("/")[0] not in MAY_IMPORT_SCREENS and imported(tree) & SCREEN_LIBRARIES
    }
    assert guilty == {}


def test_session_state_is_touched_in_one_module_only() -> None:
    guilty = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == "session_state")
        or (isinstance(node, ast.ImportFrom) and "session_state" in {a.name for a in node.names})
    }
    assert guilty == {"components/session.py"}


def test_the_cookie_is_read_in_one_component_only() -> None:
    guilty = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "cookies"
        and ast.unparse(node) == "st.context.cookies"
    }
    assert guilty == {"components/session.py"}


@pytest.mark.parametrize("name", PAGE_FILES)
def test_the_first_statement_of_every_page_is_the_guard(name: str) -> None:
    body = [
        statement
        for statement in after_docstring(TREES[name].body)
        if not isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    assert body, f"{name} is empty"
    assert is_guard_call(body[0]), f"{name}:{body[0].lineno} comes before the guard"


def test_a_page_runs_nothing_between_its_imports_but_imports() -> None:
    for name in PAGE_FILES:
        seen_other = False
        for statement in after_docstring(TREES[name].body):
            is_import = isinstance(statement, ast.Import | ast.ImportFrom)
            assert not (seen_other and is_import), f"{name}:{statement.lineno}: late import"
            seen_other = seen_other or not is_import


def test_the_first_statement_of_every_fragment_is_the_guard() -> None:
    """A fragment's rerun skips main.py and the page: a revoked user would still be served."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_fragment(node):
                first = after_docstring(node.body)[0]
                assert is_guard_call(first), f"{name}:{node.lineno} {node.name}"


def test_the_registry_and_the_page_files_name_each_other() -> None:
    assert sorted(entry.file for entry in PAGES) == PAGE_FILES
    assert len({entry.url_path for entry in PAGES}) == len(PAGES)
    assert [entry.is_default for entry in PAGES].count(True) == 1


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.url_path)
def test_a_page_guards_with_the_permission_the_registry_states(entry) -> None:
    calls = [
        ast.unparse(node.args[0])
        for node in ast.walk(TREES[entry.file])
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "guard"
    ]
    assert calls
    assert calls[0] == f"Permission.{entry.permission.name}"


EXTERNAL = re.compile(r"""(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}""", re.IGNORECASE)
NAMESPACES = {"http://www.w3.org"}


def our_assets() -> list[Path]:
    folders = [ROOT / "static", ROOT / "routes" / "assets", ROOT / "components"]
    kinds = {".py", ".js", ".css", ".html", ".svg", ".json"}
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in kinds and "vendor" not in path.parts
    ]


def test_no_screen_asset_of_ours_names_another_host() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {hit}"
        for path in our_assets()
        for hit in EXTERNAL.findall(path.read_text(encoding="utf-8"))
        if hit not in NAMESPACES
    }
    assert found == set()


def test_vendored_pieces_come_with_their_licence() -> None:
    vendor = ROOT / "static" / "vendor"
    folders = [path for path in vendor.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        names = [p.name.upper() for p in folder.rglob("*")]
        assert any(name.startswith(("LICENSE", "LICENCE", "COPYING")) for name in names), folder


def test_the_config_keeps_the_server_to_itself() -> None:
    import tomllib

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["browser"]["serverAddress"]
    assert config["runner"]["postScriptGC"] is False
    assert config["client"]["showErrorDetails"] == "none"
