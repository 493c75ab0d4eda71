"""Metrics say what a run did, go where the environment says, and fail nothing."""

from __future__ import annotations

import logging
import math

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from sync.report import metrics
from sync.report.metrics import Measured

PUSH = Measured(
    "push", {"sync": "mails", "destination": "klaviyo"}, "partial", 2.5, {"added": 3, "failed": 1}, 4
)  # fmt: skip


def points(reader: InMemoryMetricReader) -> dict[str, dict[str | None, float]]:
    """Per metric its values by what became of the rows."""
    found = reader.get_metrics_data()
    assert found is not None
    (resource,) = found.resource_metrics
    assert resource.resource.attributes["service.name"] == "headwater"
    (scope,) = resource.scope_metrics
    return {
        metric.name: {
            (point.attributes or {}).get("outcome"): getattr(point, "value", getattr(point, "sum", 0))
            for point in metric.data.data_points
        }
        for metric in scope.metrics
    }  # fmt: skip


def test_a_run_is_counted_by_what_became_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    reader, said = InMemoryMetricReader(), []
    metrics.export([PUSH], log=lambda event, **_: said.append(event), reader=reader)
    assert said == []
    assert points(reader) == {
        "headwater.runs": {None: 1},
        "headwater.rows": {"added": 3, "failed": 1},
        "headwater.requests": {None: 4},
        "headwater.duration": {None: 2.5},
    }


def test_nothing_is_sent_where_no_exporter_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in metrics.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(metrics, "_exporting", lambda: pytest.fail("nobody asked for it"))
    metrics.export([PUSH], log=pytest.fail)


def test_an_exporter_that_is_not_installed_is_named_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")

    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(metrics, "_exporting", missing)
    said = []
    metrics.export([PUSH], log=lambda event, **facts: said.append((event, facts["message"])))
    assert said == [
        ("metrics_not_sent", f"an exporter is configured and not installed: {metrics.EXTRA}")
    ]


def test_metrics_are_sent_once_and_the_library_says_nothing_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it registers for the end of the process would send them again, and its words are no line of JSON."""
    from opentelemetry.sdk.metrics import _internal, export

    sent, said, at_exit = [], [], []
    monkeypatch.setattr(_internal, "register", at_exit.append)

    class Unreachable(export.MetricExporter):
        def export(self, found, *_, **__):
            sent.append(found)
            logging.getLogger("opentelemetry.exporter.otlp").warning("retrying in 0.8s")
            logging.getLogger("opentelemetry.exporter.otlp").error("Failed to export")
            return export.MetricExportResult.FAILURE

        def force_flush(self, *_, **__):
            return True

        def shutdown(self, *_, **__): ...

    reader = export.PeriodicExportingMetricReader(Unreachable(), math.inf)
    metrics.export([PUSH], log=lambda event, **_: said.append(event), reader=reader)
    assert (len(sent), at_exit, said) == (1, [], ["metrics_not_sent"])
    assert capsys.readouterr().err == ""
