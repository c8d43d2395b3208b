"""Logs and metrics. Neither ever carries member data: identifiers of cases, counts, reasons."""

import logging
import sys
import traceback
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from shared.errors import words_of

CONSUMED = Counter("caseloop_records_consumed", "Records processed", ["topic", "group"])
DEAD_LETTERED = Counter("caseloop_records_dead_lettered", "Dead letters", ["topic", "group"])
PUBLISHED = Counter("caseloop_records_published", "Records published and confirmed", ["topic"])
HANDLING = Histogram("caseloop_batch_seconds", "Seconds to handle a batch", ["topic", "group"])
LAG = Gauge(
    "caseloop_consumer_lag",
    "Records of this process's partitions that it was not given yet",
    ["topic", "group"],
)
OUTBOX_AGE = Gauge(
    "caseloop_outbox_oldest_seconds", "Age of the oldest event that has not left", ["service"]
)
OUTBOX_LEADS = Gauge(
    "caseloop_outbox_leader", "1 in the process that sends the service's events", ["service"]
)


def configure_logging(*, service: str, level: str, style: str = "auto") -> None:
    """Send structlog and the libraries' own logs to stderr, one line per event."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.processors.ExceptionRenderer(_without_content), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter("%(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _LibraryFormatter(logging.Formatter):
    """For what libraries log: an exception without its words, too."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        return _without_content(ei)


def _without_content(exc_info: Any) -> str:
    """A traceback whose errors say what `words_of` lets them: where it happened is our own code."""
    error: BaseException | None = exc_info[1]
    parts = []
    while error is not None:
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"{frames}{type(error).__name__}: {words_of(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nwhich came of:\n".join(parts)


logger: structlog.stdlib.BoundLogger = structlog.get_logger()
