from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page(kind: str) -> None:
    import streamlit as st

    import components.faults
    from domain.errors import NotFound, NotSignedIn

    components.faults.log_fault = lambda error, **where: "AB12CD34"
    error = {
        "user": NotFound("学校 E9"),
        "stranger": NotSignedIn(),
        "fault": RuntimeError("inner secret"),
    }[kind]
    st.write("前")
    assert components.faults.show_fault(error) is True


def shown(kind: str) -> str:
    test = AppTest.from_function(_page, args=(kind,), default_timeout=30).run()
    assert not test.exception
    return "".join(str(element.proto) for element in test.main) + "".join(
        error.value for error in test.error
    )


def test_a_users_error_says_what_is_wrong_and_what_to_do() -> None:
    text = shown("user")
    assert "没有找到学校 E9" in text
    assert "不在您的管辖范围内" in text


def test_a_fault_shows_its_number_and_not_its_cause() -> None:
    text = shown("fault")
    assert "AB12CD34" in text
    assert "secret" not in text


def test_a_lost_sign_in_shows_no_error_box() -> None:
    test = AppTest.from_function(_page, args=("stranger",), default_timeout=30).run()
    assert list(test.error) == []
    assert not test.exception
