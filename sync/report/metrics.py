"""Metrics of a run by OpenTelemetry, where an exporter is configured by its own variables.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._METRICS_ENDPOINT`) says where they go, the others what the SDK makes of them
(https://opentelemetry-python.readthedocs.io/en/stable/exporter/otlp/otlp.html, read 2026-11-29). They hold no person:
names of syncs and destinations, and counts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXTRA = "pip install 'headwater[metrics]'"
WAIT_MILLIS = 10_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One sync of a push, or one destination of a pull: `rows` by what became of them, `labels` what it was."""

    command: str  # push or pull
    labels: Mapping[str, str]
    status: str
    seconds: float
    rows: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0


def is_wanted() -> bool:
    """Whether the environment says where metrics go."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and any(os.environ.get(name) for name in ENDPOINTS)


def export(
    found: Iterable[Measured], *, log: Callable[..., None], reader: MetricReader | None = None
) -> None:
    """Send counters `headwater.runs`, `headwater.rows`, `headwater.requests` and the histogram `headwater.duration` (seconds).

    Metrics that cannot be sent are logged and fail nothing. `reader` stands for the exporter in tests.
    """
    if reader is None and not is_wanted():
        return
    try:
        reader = reader or _exporting()
        with _silenced() as told:
            _record(reader, list(found))
        if told:
            log("metrics_not_sent", message="the exporter could not reach where they go")
    except ImportError:
        log("metrics_not_sent", message=f"an exporter is configured and not installed: {EXTRA}")
    except Exception as error:  # whatever a telemetry library raises: the rows are sent
        log("metrics_not_sent", message=type(error).__name__)


@contextmanager
def _silenced() -> Iterator[list[str]]:
    """What the library says by itself would stand as text among lines of JSON; here, the errors of it."""
    told: list[str] = []
    logger, handler = logging.getLogger("opentelemetry"), logging.Handler(logging.ERROR)
    handler.emit = lambda record: told.append(record.name)  # type: ignore[method-assign]
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def _exporting() -> MetricReader:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(OTLPMetricExporter())


def _record(reader: MetricReader, found: list[Measured]) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "headwater"}
    # What is registered for the end of the process would send them a second time.
    provider = MeterProvider(
        metric_readers=[reader], resource=Resource.create(named), shutdown_on_exit=False
    )
    meter = provider.get_meter("headwater")
    runs = meter.create_counter("headwater.runs", "{run}", "Runs, by how they ended.")
    rows = meter.create_counter("headwater.rows", "{row}", "Rows, by what became of them.")
    requests = meter.create_counter("headwater.requests", "{request}", "Requests to a destination.")
    lasted = meter.create_histogram("headwater.duration", "s", "How long a run took.")
    for one in found:
        labels = {"command": one.command, **one.labels}
        runs.add(1, {**labels, "status": one.status})
        lasted.record(one.seconds, {**labels, "status": one.status})
        requests.add(one.requests, labels)
        for outcome, count in one.rows.items():
            rows.add(count, {**labels, "outcome": outcome})
    provider.force_flush(WAIT_MILLIS)
