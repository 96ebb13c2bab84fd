"""`EncodePosts`: the shard task that puts the features of some posts into the feature cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data_loaders import __version__
from data_loaders.bulk.tasks import Advance, ShardTask, name_of
from data_loaders.errors import ConfigError
from data_loaders.prepare.folder_format import POSTS
from data_loaders.prepared import PreparedData
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder, build_image_encoder
from multimodal.encoders.configuration import ImageEncoderConfig
from multimodal.encoders.features.inputs import caption_inputs, cleaned_captions, image_inputs
from multimodal.encoders.features.rounding import FeaturePrecision

SHARDS = "shards"
"""The folder, in that of the features, which says what was encoded."""
_POSTS_OF_A_SHARD = 4_096
_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What is encoded how.

    Attributes:
        data: the prepared folder.
        images: where its pictures are now, if they were moved.
        caption, image: the frozen encoders; None for none.
        profile: how captions are cleaned.
        cache: the folder of the features, which all workers share.
        precision: of the features.
    """

    data: Path
    images: Path | None
    caption: CaptionEncoderConfig | None
    image: ImageEncoderConfig | None
    profile: str
    cache: Path
    precision: FeaturePrecision

    def __post_init__(self) -> None:
        for kind, config in (("caption", self.caption), ("image", self.image)):
            if config is not None and (config.from_scratch or config.trainable):
                raise ConfigError(
                    f"encoder.{kind} {config.name!r} is trained, so its features are not kept; accepted: a pretrained "
                    f"encoder that stays frozen, or encoder.{kind}=null."
                )


@dataclass(frozen=True)
class EncodePosts(ShardTask):
    """Encodes some posts of a prepared folder.

    Attributes:
        encoding: what is encoded how.
        first, last: rows of the folder, the last one not included.
    """

    encoding: Encoding
    first: int
    last: int

    @cached_property
    def name(self) -> str:
        """A name made of the posts' file, its size and time, the rows and the encoders."""
        encoding, file = self.encoding, self.encoding.data / POSTS
        encoders = [one and one.model_dump(mode="json") for one in (encoding.caption, encoding.image)]
        posts = [str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns, self.first, self.last]
        return name_of(__version__, posts, str(encoding.images), encoders, encoding.profile, encoding.precision)

    def write(self, folder: Path, advance: Advance) -> None:
        """Encode what the cache lacks; the folder says only that this was done.

        Raises:
            UserError: the weights or the posts cannot be read.
        """
        encoding = self.encoding
        posts = PreparedData.open(encoding.data, encoding.images).posts()[self.first : self.last]
        caption = None if encoding.caption is None else build_caption_encoder(encoding.caption, [])
        image = None if encoding.image is None else build_image_encoder(encoding.image)
        for encoder in (caption, image):
            if encoder is not None:
                encoder.eval()
        for start in range(0, len(posts), _AT_ONCE):
            some = posts[start : start + _AT_ONCE]
            captions = cleaned_captions(some, encoding.profile)
            caption_inputs(caption, captions, str(encoding.cache), encoding.precision)
            image_inputs(image, some, str(encoding.cache), precision=encoding.precision)
            advance(len(some))
        (folder / "encoded.json").write_text(json.dumps({"posts": len(posts)}), encoding="ascii")

    def steps(self, folder: Path) -> int:
        """Return the number of posts that were encoded."""
        return int(json.loads((folder / "encoded.json").read_text(encoding="ascii"))["posts"])


def encoding_tasks(encoding: Encoding, posts: int) -> Sequence[EncodePosts]:
    """Return the tasks that encode all posts of a prepared folder.

    Args:
        encoding: what is encoded how.
        posts: number of posts of the folder.
    """
    starts = range(0, posts, _POSTS_OF_A_SHARD)
    return [EncodePosts(encoding, start, min(start + _POSTS_OF_A_SHARD, posts)) for start in starts]
