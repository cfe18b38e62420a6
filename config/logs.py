"""How log records look: one line each, so that any collector can read them."""

import logging
import time


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z WARNING teams.callers: text`; a traceback follows on the same line, with ⏎ between."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line, so that text from outside cannot fake another record."""
        return super().format(record).rstrip("\n").replace("\r", "␍").replace("\n", " ⏎ ")
