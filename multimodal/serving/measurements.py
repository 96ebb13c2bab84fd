"""`Measurements`: what Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
PREFIX = "hashtags"


class Measurements:
    """Counts and times of one service; no caption, user or hashtag is in them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            f"{PREFIX}_requests", "Requests answered", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            f"{PREFIX}_request_seconds", "From request to answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._batches = Histogram(
            f"{PREFIX}_batch_posts", "Posts that shared a forward pass", ["model"], buckets=_SIZES,
            registry=self._registry,
        )  # fmt: skip
        self._model_seconds = Counter(
            f"{PREFIX}_model_seconds", "Time that a model was busy", ["model"], registry=self._registry
        )
        self._waiting = Gauge(f"{PREFIX}_waiting_posts", "Posts in the queue", ["model"], registry=self._registry)
        self._remembered = Gauge(f"{PREFIX}_remembered_posts", "Posts remembered", ["model"], registry=self._registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, model: str, size: int, seconds: float) -> None:
        """Count a batch."""
        self._batches.labels(model).observe(size)
        self._model_seconds.labels(model).inc(seconds)

    def watch(self, model: str, waiting: Callable[[], int], remembered: Callable[[], int]) -> None:
        """Read the length of a queue and the size of a memory whenever they are asked for."""
        self._waiting.labels(model).set_function(waiting)
        self._remembered.labels(model).set_function(remembered)

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)
