"""Logs and metrics. Neither ever carries member data: identifiers of cases, counts, reasons."""

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram

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
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")


logger: structlog.stdlib.BoundLogger = structlog.get_logger()
