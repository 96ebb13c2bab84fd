"""`Spaces`: the vectors by which posts are compared beside their words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.batches import CaptionInputs, ImageInputs
from data_loaders.posts import Post
from multimodal.design.config import DesignConfig
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.pooling import caption_vectors, image_vectors, pooled_captions, pooled_images

Floats = NDArray[np.float32]
CAPTION, IMAGE = "caption", "image"


class Spaces:
    """Pools what frozen encoders make of captions and pictures: a vector for each post, zeros where it has none.

    The vectors have to stay the same while the network learns, so an encoder that is trained gives none.

    Args:
        config: says in which spaces posts are compared.
        captions: gives the space `caption`; None where there is none.
        images: gives the space `image`; None where there is none.
        own_captions: whether the caption encoder is not the network's, so that it needs inputs of its own.
    """

    def __init__(
        self, config: DesignConfig, captions: CaptionEncoder | None, images: ImageEncoder | None, own_captions: bool
    ) -> None:
        self._config, self._own_captions = config, own_captions
        used = config.history.weights.keys()
        self.captions = captions if CAPTION in used else None
        self.images = images if IMAGE in used else None

    @property
    def widths(self) -> dict[str, int]:
        """The width of each space."""
        encoders = {CAPTION: self.captions, IMAGE: self.images}
        return {space: encoder.width for space, encoder in encoders.items() if encoder is not None}

    def vectors(
        self,
        posts: Sequence[Post],
        captions: Sequence[str],
        inputs: tuple[CaptionInputs, ImageInputs],
        cache: str | None,
    ) -> dict[str, Floats]:
        """Return the vectors of N posts in each space, (N, its width).

        Args:
            posts: N posts.
            captions: their cleaned captions, "" for none.
            inputs: of the network's encoders.
            cache: folder for the features of frozen encoders; None for none.

        Raises:
            DataError: a picture cannot be used.
        """
        found, precision = {}, self._config.feature_precision
        if self.captions is not None:
            if cache is None and not self._own_captions:
                found[CAPTION] = pooled_captions(self.captions, inputs[0], precision)
            else:
                found[CAPTION] = caption_vectors(self.captions, captions, cache, precision)
        if self.images is not None:
            if cache is None:
                found[IMAGE] = pooled_images(self.images, inputs[1], precision)
            else:
                found[IMAGE] = image_vectors(self.images, posts, cache, precision)
        return found
