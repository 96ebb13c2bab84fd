"""`hmemn2n`: an end-to-end memory network with hierarchical attention over the user's earlier posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data_loaders.errors import DataError, RunError
from data_loaders.posts import Post
from multimodal.captions.encoder_system import EncoderSystem
from multimodal.captions.hmemn2n.config import HMemN2NConfig
from multimodal.captions.hmemn2n.learner import MemoryLearner
from multimodal.captions.hmemn2n.network import MemoryNetwork
from multimodal.captions.hmemn2n.remembered_words import MOST_WORDS, histories, word_vectors_of, words_at
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import VocabularySystem, require_validation_posts
from multimodal.encoders import CaptionEncoder, build_caption_encoder
from multimodal.encoders.captions.word_encoder import WordCaptionEncoder
from multimodal.encoders.features.inputs import TokenCaptions, cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.systems.adding_posts import add_in_batches
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_CHECKED_AT_ONCE = 65_536


@register_system("hmemn2n")
class HMemN2N(EncoderSystem, VocabularySystem):
    """Finds the hashtags that fit the caption in the user's earlier posts (Huang et al. 2016, aclweb C16-1090).

    u = the caption's vector; per hop, attention over the words of each earlier post, then over the posts, gives o, and
    u ← u + o; softmax(W u). Without a history u stays the caption's vector; a post with neither a known word nor a
    history gets the train shares. Pictures are not used.
    """

    config_type = HMemN2NConfig
    scores_are_chances = True
    config: HMemN2NConfig
    network: MemoryNetwork
    layers_file = "memory_network.safetensors"
    ranking_batch = 256

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from captions and histories; see `System.fit`.

        Raises:
            DataError: no train post has a hashtag of the vocabulary, or no validation post has a hashtag.
        """
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.start_from(data)
        if not self.id_map.vocabulary_size:
            raise DataError("no hashtag is in the vocabulary; prepare the data with a lower --minimum-frequency")
        require_validation_posts(sum(bool(post.hashtags) for post in validation))
        torch.manual_seed(self.config.seed)
        texts = cleaned_captions(train, self.config.caption_profile)
        if self.config.history_hashtags:
            texts = [" ".join([*post.hashtags, text]) for post, text in zip(train, texts, strict=True)]
        self.build(build_caption_encoder(self.config.encoder, texts, "encoder"))
        self.train(self.learner(train, validation), self.config.training, run)

    def learner(self, train: Sequence[Post], validation: Sequence[Post]) -> MemoryLearner:
        """Return the learner of the network: train posts read earlier train posts, validation posts those of both."""
        memory = self.new_memory()
        add_in_batches(self, memory, train)
        labelled = LabelledCaptions.of(train, self.id_map, self.config.caption_profile)
        rows = [row for row, targets in enumerate(labelled.targets) if targets]
        earlier = histories(memory, [train[row] for row in rows], self.config.history_posts)
        add_in_batches(self, memory, validation)
        tagged = [post for post in validation if post.hashtags]
        truth = LabelledCaptions.of(tagged, self.id_map, self.config.caption_profile)

        def score_rows(rows: Sequence[int]) -> NDArray[np.float64]:
            return self.post_scores([tagged[row] for row in rows], memory)

        return MemoryLearner(self.network, self.config, labelled.take(rows), earlier, memory, truth, score_rows)

    def build(self, encoder: CaptionEncoder) -> None:
        """Set a new memory network.

        Raises:
            DataError: the encoder knows more words than a memory can store.
        """
        words = cast(nn.Embedding, encoder.words)
        if words.num_embeddings > MOST_WORDS:
            raise DataError(f"{words.num_embeddings:,} words are more than a memory can number, {MOST_WORDS:,}")
        config, size = self.config, self.id_map.vocabulary_size
        order = config.history_posts if config.history_order else 0
        self.network = MemoryNetwork(encoder, words, size, config.hops, order, config.dropout)

    def new_memory(self) -> PostMemory:
        """Return an empty memory that keeps the words of each post."""
        id_map = self.id_map.vocabulary()
        return PostMemory(id_map, width=self.config.history_words)

    def check_memory(self, memory: PostMemory) -> None:
        """Refuse a memory with words that the encoder does not have; see `System.check_memory`."""
        known = cast(nn.Embedding, self.encoder.words).num_embeddings
        for start in range(0, len(memory), _CHECKED_AT_ONCE):
            words = memory.vectors_at(CONTENT, np.arange(start, min(start + _CHECKED_AT_ONCE, len(memory))))
            if ((words < 0) | (words >= known) | (words != np.floor(words))).any():
                raise RunError(
                    f"the remembered posts have words that are none of the {known:,} of the caption encoder."
                )

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their words."""
        vocabulary, config = cast(WordCaptionEncoder, self.encoder).vocabulary, self.config
        words = word_vectors_of(
            posts, vocabulary, config.caption_profile, config.history_words, config.history_hashtags
        )
        memory.append(posts, words)

    @torch.no_grad()
    def post_scores(self, posts: Sequence[Post], memory: PostMemory) -> NDArray[np.float64]:
        """Return the probability of each hashtag, (B, V); the prior's for posts with neither known words nor history.

        Args:
            posts: B posts.
            memory: of the user it reads what is strictly earlier than the post.
        """
        self.network.eval()
        captions = cleaned_captions(posts, self.config.caption_profile)
        positions = histories(memory, posts, self.config.history_posts)
        tokens = TokenCaptions(self.encoder, captions)
        result = np.tile(self.prior.scores, (len(posts), 1))
        scored = np.flatnonzero(self.encoder.knows(captions) | (positions >= 0).any(1))
        for start in range(0, len(scored), self.ranking_batch):
            rows = scored[start : start + self.ranking_batch]
            ids, mask = tokens.batch(rows.tolist())
            history = torch.from_numpy(words_at(memory, positions[rows]))
            logits = self.network(ids.to(self.device), mask.to(self.device), history.to(self.device))
            result[rows] = logits.double().softmax(-1).cpu().numpy()
        return result
