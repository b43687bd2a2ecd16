from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from services.logs import LOG_NAME, log_event, log_fault, open_log


@pytest.fixture
def log_file(tmp_path: Path):
    open_log(tmp_path, "info")
    yield tmp_path / "log" / "app.log"
    for handler in list(logging.getLogger(LOG_NAME).handlers):
        logging.getLogger(LOG_NAME).removeHandler(handler)
        handler.close()


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_fault_is_one_json_line_with_the_shown_number_and_the_trace(log_file: Path) -> None:
    try:
        raise RuntimeError("坏了")
    except RuntimeError as error:
        number = log_fault(error, where="page")
    (line,) = lines(log_file)
    assert line["number"] == number
    assert line["where"] == "page"
    assert "RuntimeError: 坏了" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_opening_the_log_twice_writes_each_line_once(tmp_path: Path, log_file: Path) -> None:
    open_log(tmp_path, "info")
    log_event("started", schools=3)
    assert [line["event"] for line in lines(log_file)] == ["started"]
