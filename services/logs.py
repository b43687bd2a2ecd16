"""The product's own log: one JSON object a line, in ``var/log`` and on stderr."""

from __future__ import annotations

import logging
import logging.handlers
import secrets
import sys
from pathlib import Path

import structlog

LOG_NAME = "campus_safety"
_KEEP_BYTES = 10_000_000
_KEEP_FILES = 10


def open_log(var_dir: Path, level: str) -> None:
    """Send the product's log to ``var_dir/log/app.log`` and to stderr; safe to call twice."""
    folder = var_dir / "log"
    folder.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger(LOG_NAME)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level.upper())
    root.propagate = False
    for handler in (
        logging.handlers.RotatingFileHandler(
            folder / "app.log", maxBytes=_KEEP_BYTES, backupCount=_KEEP_FILES, encoding="utf-8"
        ),
        logging.StreamHandler(sys.stderr),
    ):
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def log_fault(error: BaseException, **where: str) -> str:
    """Write an unexpected fault with its trace; return the number shown to the user."""
    number = secrets.token_hex(4).upper()
    structlog.get_logger(LOG_NAME).error("fault", number=number, exc_info=error, **where)
    return number


def log_event(event: str, **data: str | int) -> None:
    """Write one line that is no fault."""
    structlog.get_logger(LOG_NAME).info(event, **data)
