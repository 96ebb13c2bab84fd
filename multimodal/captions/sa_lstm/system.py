"""`sa_lstm`: recommends words of the caption as hashtags, including hashtags that nobody has used before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.captions.encoder_system import EncoderSystem
from multimodal.captions.sa_lstm.candidates import LabelledWords, candidates_of
from multimodal.captions.sa_lstm.config import SaLstmConfig
from multimodal.captions.sa_lstm.learner import WordLearner
from multimodal.captions.sa_lstm.merging import WordMerging
from multimodal.captions.sa_lstm.tagger import WordTagger
from multimodal.captions.system import require_validation_posts
from multimodal.encoders import CaptionEncoder, build_caption_encoder
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.systems.base import Excluded
from multimodal.systems.prior_system import PriorSystem
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_CAPTIONS_AT_ONCE = 2_048


@register_system("sa_lstm")
class SaLstm(EncoderSystem, PriorSystem):
    """Labels each word of a caption as hashtag or not (Shen et al., Computers, Materials & Continua).

    Bidirectional LSTM → self-attention → softmax over two labels per word. The hashtag is the word itself, so even one
    that no train post carries can be recommended; popular hashtags fill the list, see `WordMerging`. User, picture and
    memory are not used.
    """

    config_type = SaLstmConfig
    config: SaLstmConfig
    file, chosen = "words.json", ("shift",)
    network: WordTagger
    layers_file = "word_labels.safetensors"
    shift: float

    @property
    def merging(self) -> WordMerging:
        """How words and popular hashtags are merged."""
        return WordMerging(self.shift, self.config.words_first)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from the words of captions; see `System.fit`.

        Raises:
            DataError: no train post has both a hashtag and a word, or no validation post has a hashtag.
        """
        train_posts = list(data.split("train"))
        self.start_from(data)
        torch.manual_seed(self.config.seed)
        train_captions = cleaned_captions(train_posts, self.config.caption_profile)
        encoder = build_caption_encoder(self.config.encoder, train_captions, "encoder")
        train = self._labelled(train_posts, encoder).learnable()
        validation = self._labelled(list(data.split("validation")), encoder)
        if not len(train):
            raise DataError(
                f"system {self.name} learns from captions alone, and no train post has both a caption and a hashtag; "
                "use another system"
            )
        require_validation_posts(len(validation))
        shares = [train.positive_share(words) for words in range(1, self.config.spans + 1)]
        run.log({
            "event": "words",
            "train_hashtags_in_caption": train.reachable_share(),
            "validation_hashtags_in_caption": validation.reachable_share(),
            **{f"positive_share_{words}": share for words, share in enumerate(shares, start=1)},
        })  # fmt: skip
        self.build(encoder)
        self.network.start_from(shares)
        learner = self.learner(train, validation)
        self.train(learner, self.config.training, run)
        self.shift = learner.best_shift()

    def learner(self, train: LabelledWords, validation: LabelledWords) -> WordLearner:
        """Return the learner of the network."""
        return WordLearner(self.network, self.config, train, validation, self.prior, self.word_logits)

    def _labelled(self, posts: Sequence[Post], encoder: CaptionEncoder) -> LabelledWords:
        tagged = [post for post in posts if post.hashtags]
        captions = cleaned_captions(tagged, self.config.caption_profile)
        hashtags = [post.hashtags for post in tagged]
        return LabelledWords.of(captions, hashtags, encoder.maximum_tokens, self.config.spans)

    def build(self, encoder: CaptionEncoder) -> None:
        """Set a new tagger."""
        self.network = WordTagger(encoder, self.config.spans, self.config.dropout)

    def layers(self) -> nn.Module:
        """Return the layers behind the encoder."""
        return self.network.output

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank the words of each caption and the popular hashtags; see `System.rank`.

        Words that nobody has used as a hashtag get an index that is valid in these rankings only.
        """
        captions = cleaned_captions(posts, self.config.caption_profile)
        id_map, merging = memory.id_map.fork(), self.merging
        excluded_names = excluded or [frozenset()] * len(posts)
        lists = []
        for start in range(0, len(posts), _CAPTIONS_AT_ONCE):
            part = slice(start, start + _CAPTIONS_AT_ONCE)
            for (words, logits), names in zip(self.word_logits(captions[part]), excluded_names[part], strict=True):
                allowed = [i for i, word in enumerate(words) if word not in names]
                indices = np.array(id_map.add(words[i] for i in allowed), np.int64)
                excluded_ids = self.prior.numbers_of(names)
                lists.append(merging.ranking(indices, logits[allowed], self.prior, id_map, k, excluded_ids))
        return Rankings.from_lists([post.post_id for post in posts], lists, k, id_map.names)

    @torch.no_grad()
    def word_logits(self, captions: Sequence[str]) -> list[tuple[list[str], NDArray[np.float64]]]:
        """Return the distinct words of each caption in canonical form, and how likely each is a hashtag.

        Args:
            captions: cleaned.

        Returns:
            Words, and ln(P / (1 - P)) of each; the larger value if a word occurs twice.
        """
        self.network.eval()
        results: list[tuple[list[str], NDArray[np.float64]]] = [([], np.empty(0))] * len(captions)
        for rows, ids, mask in self.token_batches(captions):
            labels = self.network(ids, mask).double()
            logits = (labels[..., 1] - labels[..., 0]).cpu().numpy()
            for logits_NT, row in zip(logits, rows, strict=True):
                best: dict[str, float] = {}
                for one in candidates_of(captions[row], self.encoder.maximum_tokens, self.config.spans):
                    logit = float(logits_NT[one.words - 1, one.start])
                    best[one.hashtag] = max(best.get(one.hashtag, logit), logit)
                results[row] = (list(best), np.array(list(best.values()), np.float64))
        return results
