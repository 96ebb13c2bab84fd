"""`hmemn2n`: an end-to-end memory network with hierarchical attention over the user's earlier posts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.captions.encoder_system import EncoderSystem, EncoderSystemConfig
from multimodal.captions.hmemn2n.learner import MemoryLearner
from multimodal.captions.hmemn2n.network import MemoryNetwork
from multimodal.captions.hmemn2n.remembered_words import MOST_WORDS, histories, word_vectors_of, words_at
from multimodal.config import RunConfig
from multimodal.distributed.processes import is_main_process
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig, build_caption_encoder, load_caption_encoder
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.features.inputs import TokenCaptions, cleaned_captions
from multimodal.encoders.storage import load_weights, save_weights
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import top_k
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_ENCODER, _NETWORK_FILE, _FILE = "caption_encoder", "memory_network.safetensors", "captions.json"
_RANKING_BATCH = 256


class HMemN2NConfig(EncoderSystemConfig):
    """Configuration of `hmemn2n`."""

    encoder_name = "hmemn2n"

    system: Literal["hmemn2n"] = Field(default="hmemn2n", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="hmemn2n"), description="see `encoder.caption` of DESIGN"
    )
    hops: int = Field(default=3, ge=0, le=10, description="how often the memory is asked; 0: never, text alone")
    history_posts: int = Field(default=20, ge=1, le=1_000, description="most recent posts of the user looked at")
    history_words: int = Field(default=32, ge=1, le=1_000, description="words kept of a remembered post")
    history_hashtags: bool = Field(default=True, description="whether a remembered post's hashtags count as words")
    history_order: bool = Field(default=False, description="whether attention knows how recent a post is")


@register_system("hmemn2n")
class HMemN2N(EncoderSystem):
    """Asks the user's earlier posts which hashtags fit the caption (Huang et al. 2016, aclweb C16-1090).

    u = the caption's vector; per hop, attention over the words of each earlier post, then over the posts, gives o, and
    u ← u + o; softmax(W u). Without a history u stays the caption's; a post with neither a word that is known nor a
    history gets the train shares. Pictures are not looked at.
    """

    config_type = HMemN2NConfig
    config: HMemN2NConfig
    network: MemoryNetwork
    prior: PopularityPrior

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from captions and histories; see `System.fit`.

        Raises:
            DataError: no train post has a hashtag of the vocabulary, or no validation post has a hashtag.
        """
        train, validation = list(data.split("train")), list(data.split("validation"))
        self._start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(train))
        if not self.id_map.vocabulary_size:
            raise DataError("no hashtag is in the vocabulary; lower --minimum-frequency in prepare.py")
        if not any(post.hashtags for post in validation):
            raise DataError("no validation post has a hashtag, so no model can be chosen; give it a larger fraction")
        torch.manual_seed(self.config.seed)
        texts = cleaned_captions(train, self.config.caption_profile)
        if self.config.history_hashtags:
            texts = [" ".join([*post.hashtags, text]) for post, text in zip(train, texts, strict=True)]
        self.network = self._network(build_caption_encoder(self.config.encoder, texts, "encoder"))
        learner = MemoryLearner(self, train, validation)
        state = Trainer(learner, self.config.training, run, self.config.seed).fit()
        self.network.eval()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds})

    def _start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.id_map = id_map
        self.prior = PopularityPrior(id_map, train_posts)
        self._prior_scores = np.zeros(id_map.vocabulary_size)
        self._prior_scores[self.prior.order] = self.prior.shares

    def _network(self, encoder: CaptionEncoder) -> MemoryNetwork:
        words = cast(nn.Embedding, encoder.words)
        if words.num_embeddings > MOST_WORDS:
            raise DataError(f"{words.num_embeddings:,} words are more than a memory can number, {MOST_WORDS:,}")
        places = self.config.history_posts if self.config.history_order else 0
        size = self.id_map.vocabulary_size
        return MemoryNetwork(encoder, words, size, self.config.hops, places, self.config.dropout)

    def new_memory(self) -> PostMemory:
        """Return an empty memory that keeps the words of each post."""
        id_map = self.id_map.vocabulary()
        return PostMemory(id_map, width=self.config.history_words)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their words."""
        vocabulary = cast(WordCaptionEncoder, self.encoder).vocabulary
        config = self.config
        words = word_vectors_of(
            posts, vocabulary, config.caption_profile, config.history_words, config.history_hashtags
        )
        memory.append(posts, words)

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank the vocabulary by caption and what `memory` holds of the user strictly before; see `System.rank`."""
        indices = np.full((len(posts), k), -1, np.int64)
        values = np.full((len(posts), k), np.nan)
        for start in range(0, len(posts), _RANKING_BATCH):
            part = slice(start, start + _RANKING_BATCH)
            scores = self.scores(posts[part], memory)
            for row, names in enumerate(excluded[part] if excluded is not None else ()):
                scores[row, self.prior.numbers_of(names)] = -np.inf
            indices[part], values[part] = top_k(scores, self.id_map, k)
        return Rankings([post.post_id for post in posts], indices, values, self.id_map.names)

    @torch.no_grad()
    def scores(self, posts: Sequence[Post], memory: PostMemory) -> NDArray[np.float64]:
        """Return the probability of each hashtag of the vocabulary, (B, V); the prior's where nothing is known."""
        self.network.eval()
        captions = cleaned_captions(posts, self.config.caption_profile)
        positions = histories(memory, posts, self.config.history_posts)
        tokens = TokenCaptions(self.encoder, captions)
        result = np.tile(self._prior_scores, (len(posts), 1))
        judged = np.flatnonzero(self.encoder.knows(captions) | (positions >= 0).any(1))
        for start in range(0, len(judged), _RANKING_BATCH):
            rows = judged[start : start + _RANKING_BATCH]
            ids, mask = tokens.batch(rows.tolist())
            history = torch.from_numpy(words_at(memory, positions[rows]))
            logits = self.network(ids.to(self.device), mask.to(self.device), history.to(self.device))
            result[rows] = logits.double().softmax(-1).cpu().numpy()
        return result

    def save(self, folder: Path) -> None:
        """Write the encoder and the layers behind it; the words of remembered posts are the memory's.

        Raises:
            RunError: the encoder is held in less precision than it was trained in.
        """
        self.require_full_precision()
        write_json(folder / _FILE, {"train_posts": self.prior.train_posts})
        self.encoder.save(folder / _ENCODER)
        save_weights(folder / _NETWORK_FILE, self._behind_encoder())

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> HMemN2N:
        """Read what `save` wrote."""
        system = cls(config)
        system._start(id_map, int(read_json(folder / _FILE, "the number of train posts")["train_posts"]))
        system.network = system._network(load_caption_encoder(folder / _ENCODER))
        load_weights(folder / _NETWORK_FILE, system._behind_encoder())
        system.network.eval()
        return system

    def _behind_encoder(self) -> nn.ModuleDict:
        parts = {name: part for name, part in self.network.named_children() if name != "encoder"}
        return nn.ModuleDict(parts)
