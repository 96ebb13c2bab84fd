"""`ServedModels`: the models of the service, exchanged without dropping a request."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone

import numpy as np

from data_loaders.errors import UserError, short_repr
from multimodal.recommender import Recommender
from multimodal.serving.batching import MicroBatcher
from multimodal.serving.errors import ServiceError
from multimodal.serving.measurements import Measurements
from multimodal.serving.questions import Answer, Question, answer_together
from multimodal.serving.settings import ModelSource, ServiceSettings

logger = logging.getLogger(__name__)

_PICTURE_PX = 224


class _Loaded:
    """A recommender that is closed once it is retired and nobody uses it."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self._lock = threading.Lock()
        self._users, self._retired = 0, False

    @contextmanager
    def borrow(self) -> Iterator[Recommender]:
        with self._lock:
            self._users += 1
        try:
            yield self.recommender
        finally:
            with self._lock:
                self._users -= 1
                last = self._retired and not self._users
            if last:
                self.recommender.close()

    def retire(self) -> None:
        with self._lock:
            self._retired, unused = True, not self._users
        if unused:
            self.recommender.close()


class ServedModel:
    """A model, its memory and the queue before it.

    Attributes:
        source: where it is loaded from.
        batcher: answers questions.
        loaded_at: when it was loaded last.

    Args:
        source: see above.
        settings: of the service.
    """

    def __init__(self, source: ModelSource, settings: ServiceSettings) -> None:
        self.source, self._settings = source, settings
        self._change = threading.Lock()
        self._loaded = _Loaded(self._load())
        self.loaded_at = datetime.now(timezone.utc)
        limits = settings.limits
        self.batcher: MicroBatcher[Question, Answer] = MicroBatcher(
            self._answer, limits.posts_at_once, limits.waiting_posts, limits.at_once_s
        )

    def start(self, measurements: Measurements) -> None:
        """Begin to answer, in the running event loop."""
        name = self.source.name
        self.batcher.start(lambda size, seconds: measurements.batch(name, size, seconds))
        measurements.watch(name, lambda: self.batcher.waiting, self._remembered)

    @contextmanager
    def borrow(self) -> Iterator[Recommender]:
        """Lend the recommender; one that is replaced meanwhile is closed afterwards."""
        with ExitStack() as stack:
            with self._change:
                recommender = stack.enter_context(self._loaded.borrow())
            yield recommender

    def seconds_alone(self) -> float:
        """Return how long the answer to a post with a picture and a caption takes, in seconds; 0 where there is none.

        It is the processor time of this thread, so that a busy machine changes it little. What the first answer
        prepares for later ones is not counted, and prepared then.
        """
        seconds = 0.0
        for number in range(2):
            picture = np.full((_PICTURE_PX, _PICTURE_PX, 3), number, np.uint8)
            with self.borrow() as recommender, suppress(UserError):
                started_s = time.thread_time()
                recommender.recommend(picture, f"post number {number}", k=1)
                seconds = time.thread_time() - started_s
        return seconds

    @property
    def picture_size_px(self) -> int | None:
        """The size at which pictures are read; None where it is not known."""
        with self.borrow() as recommender:
            return recommender.system.picture_size_px()

    def reload(self) -> None:
        """Load the model again and answer with it from then on.

        Raises:
            UserError: it cannot be loaded; the one loaded before keeps answering.
        """
        loaded = _Loaded(self._load())
        with self._change:
            before, self._loaded, self.loaded_at = self._loaded, loaded, datetime.now(timezone.utc)
        before.retire()
        logger.info("model %s was loaded again", self.source.name)

    def close(self) -> None:
        """Let go of the memory."""
        self._loaded.retire()

    def _remembered(self) -> int:
        with self.borrow() as recommender:
            return len(recommender.memory)

    def _load(self) -> Recommender:
        source = self.source
        return Recommender.from_pretrained(
            source.path,
            device=self._settings.device,
            memory=source.memory,
            keep_captions=self._settings.keep_captions,
            compute=self._settings.compute,
        )

    def _answer(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        with self.borrow() as recommender:
            return answer_together(recommender, questions)


class ServedModels:
    """The models by name.

    Args:
        settings: of the service.

    Raises:
        UserError: a model cannot be loaded.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._models = {source.name: ServedModel(source, settings) for source in settings.models}

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def start(self, measurements: Measurements) -> None:
        """Begin to answer, in the running event loop.

        Args:
            measurements: where batches are counted.
        """
        for model in self:
            model.start(measurements)

    def get(self, name: str | None) -> ServedModel:
        """Return a model, the first for None.

        Raises:
            ServiceError: there is none of that name.
        """
        if name is None:
            return next(iter(self))
        if name not in self._models:
            raise ServiceError(404, f"model {short_repr(name)} is not served; accepted: {', '.join(self._models)}.")
        return self._models[name]

    async def close(self) -> None:
        """Answer what waits, and let go of the memories."""
        for model in self:
            await model.batcher.close()
            model.close()
