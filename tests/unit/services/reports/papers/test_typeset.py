"""Data is never markup, every character is accounted for, and the bytes never differ."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

import pytest

import services.reports.papers.typeset as typeset_module
from services.reports.papers.feedback_sheet import make_feedback_sheet
from services.reports.papers.typeset import (
    FONTS,
    GAP_SIGN,
    TEMPLATES,
    PaperFault,
    printable,
    typeset,
)
from tests.unit.services.reports.papers.pdf_text import page_count, text_of
from tests.unit.services.reports.papers.samples import AT, NASTY, feedback_sheet, finding

RARE = "𪚥"


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


@pytest.mark.parametrize("nasty", NASTY)
def test_a_name_full_of_markup_is_printed_as_it_is(nasty: str) -> None:
    plain = make_feedback_sheet(feedback_sheet())
    pdf = make_feedback_sheet(
        feedback_sheet(school=nasty, team=(nasty,), findings=(finding(nasty),))
    )
    assert squeezed(text_of(pdf)).count(squeezed(nasty)) >= 2
    assert page_count(pdf) == page_count(plain) == 1


def test_equal_facts_give_equal_bytes_and_other_facts_other_bytes() -> None:
    first = make_feedback_sheet(feedback_sheet())
    assert make_feedback_sheet(feedback_sheet()) == first
    assert make_feedback_sheet(feedback_sheet(school="第二小学")) != first


def test_a_character_the_font_lacks_is_printed_as_a_gap_and_named() -> None:
    text = text_of(make_feedback_sheet(feedback_sheet(school=f"张{RARE}小学")))
    assert f"张{GAP_SIGN}小学" in text
    assert f"U+{ord(RARE):04X}" in squeezed(text)


def test_a_paper_without_gaps_says_nothing_of_them() -> None:
    assert "字库" not in text_of(make_feedback_sheet(feedback_sheet()))


@pytest.mark.parametrize(
    ("text", "printed", "gaps"),
    [
        ("第一小学", "第一小学", ()),
        (" 第一\n\t小学 ", "第一  小学", ()),
        ("a\u202eb\u200bc\ufeff\x00\x1b", "abc", ()),
        ("葛\U000e0100城", "葛城", ()),
        (f"{RARE}和{RARE}😀", "〓和〓〓", (RARE, "😀")),
        ("\ud800", "", ()),
        ("e\u0301", "é", ()),
    ],
)
def test_texts_are_cleaned_of_what_cannot_be_printed(
    text: str, printed: str, gaps: tuple[str, ...]
) -> None:
    assert printable(text) == (printed, gaps)


def test_every_character_of_gbk_and_rare_name_characters_can_be_printed() -> None:
    codes = [bytes((a, b)) for a in range(0x81, 0xFF) for b in range(0x40, 0xFF)]
    signs = [code.decode("gbk", errors="ignore") for code in codes]
    gbk = "".join(sign for sign in signs if "\u4e00" <= sign <= "\u9fff")
    assert len(gbk) == 20902
    assert printable(gbk + "䶮㛃喆堃镕龘") == (gbk + "䶮㛃喆堃镕龘", ())


def test_the_list_of_characters_is_that_of_the_font() -> None:
    """Where the list said more than the font holds, setting the text would fail."""
    known = sorted(chr(code) for code in typeset_module._characters())
    shown = [sign for sign in known if sign.isprintable() and not sign.isspace()]
    lines = tuple(finding("".join(shown[at : at + 480])) for at in range(0, len(shown), 480))
    pdf = make_feedback_sheet(feedback_sheet(findings=lines))
    assert "字库" not in text_of(pdf)


def test_a_bold_character_outside_the_bold_font_is_still_printed() -> None:
    assert "䶮" in text_of(make_feedback_sheet(feedback_sheet(school="䶮小学")))


def test_a_missing_glyph_that_slipped_through_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    known = typeset_module._characters() | {ord(RARE)}
    monkeypatch.setattr(typeset_module, "_characters", lambda: known)
    with pytest.raises(PaperFault, match="could not be displayed"):
        make_feedback_sheet(feedback_sheet(school=RARE))


def test_a_missing_font_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = typeset_module.typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[]
    )
    monkeypatch.setattr(typeset_module, "_fonts", lambda: nothing)
    with pytest.raises(PaperFault):
        make_feedback_sheet(feedback_sheet())


def test_a_naive_date_and_unknown_values_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        typeset("feedback_sheet", {}, at=dt.datetime(2026, 1, 1))
    with pytest.raises(TypeError):
        typeset("feedback_sheet", {"number": object()}, at=AT)


def test_no_template_reaches_outside_its_folder() -> None:
    templates = sorted(TEMPLATES.glob("*.typ"))
    assert len(templates) == 6
    for template in templates:
        code = template.read_text(encoding="utf-8")
        assert re.findall(r'import "([^"]+)"', code) in ([], ["paper.typ"])
        assert not re.search(
            r'#?include |read\(|plugin\(|image\("|(json|csv|yaml|toml|xml)\("', code
        )
        assert "eval(" not in code, "data must never be read as markup"
        assert "@" not in code, "neither packages nor references"


def test_a_template_cannot_read_outside_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("geheim", encoding="utf-8")
    (folder / "spy.typ").write_text('#read("../secret.txt")', encoding="utf-8")
    monkeypatch.setattr(typeset_module, "TEMPLATES", folder)
    with pytest.raises(PaperFault):
        typeset("spy", {}, at=AT)


def test_the_fonts_are_those_the_notice_names() -> None:
    notice = (FONTS / "NOTICE").read_text(encoding="utf-8")
    fonts = sorted(FONTS.glob("*.ttf"))
    assert len(fonts) == 2
    for font in fonts:
        assert font.name in notice
        assert hashlib.sha256(font.read_bytes()).hexdigest() in notice
    assert "Open Font License" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
