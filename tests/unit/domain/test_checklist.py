from __future__ import annotations

from domain.checklist import CHECKLIST, CHECKLIST_TITLE, by_category
from domain.words import HazardCategory


def test_every_category_has_an_item_and_every_code_is_used_once() -> None:
    assert {item.category for item in CHECKLIST} == set(HazardCategory)
    assert len({item.code for item in CHECKLIST}) == len(CHECKLIST) == 24


def test_grouping_keeps_every_item_and_the_order_of_the_vocabulary() -> None:
    groups = by_category()
    assert [kind for kind, _ in groups] == list(HazardCategory)
    assert [item for _, items in groups for item in items] == list(CHECKLIST)
    assert by_category(CHECKLIST[:1]) == ((HazardCategory.DEFENCE, CHECKLIST[:1]),)


def test_items_fit_a_printed_line_and_claim_to_be_no_public_list() -> None:
    assert all(1 < len(item.text) <= 22 and 1 < len(item.how) <= 20 for item in CHECKLIST)
    assert "108" not in CHECKLIST_TITLE
