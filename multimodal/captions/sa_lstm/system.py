"""`sa_lstm`: words of the caption as hashtags, also such that nobody has used before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.captions.encoder_system import EncoderSystem, EncoderSystemConfig
from multimodal.captions.sa_lstm.candidates import LabelledWords, candidates_of
from multimodal.captions.sa_lstm.learner import WordLearner
from multimodal.captions.sa_lstm.merging import WordMerging
from multimodal.captions.sa_lstm.tagger import WordTagger
from multimodal.config import RunConfig
from multimodal.distributed.processes import is_main_process
from multimodal.encoders import CaptionEncoder, CaptionEncoderConfig, build_caption_encoder, load_caption_encoder
from multimodal.encoders.features.inputs import TokenCaptions, cleaned_captions
from multimodal.encoders.storage import load_weights, save_weights
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import read_json, write_json
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

_ENCODER, _OUTPUT_FILE, _FILE = "caption_encoder", "word_labels.safetensors", "words.json"
_RANKING_BATCH = 256
_CAPTIONS_AT_ONCE = 2_048


class SaLstmConfig(EncoderSystemConfig):
    """Configuration of `sa_lstm`."""

    encoder_name = "sa_lstm"

    system: Literal["sa_lstm"] = Field(default="sa_lstm", description="name of the System")
    encoder: CaptionEncoderConfig = Field(
        default=CaptionEncoderConfig(name="sa_lstm"), description="see `encoder.caption` of DESIGN"
    )
    spans: int = Field(
        default=1, ge=1, le=5, description="how many words in a row may make one hashtag; 2: new york gives newyork"
    )
    positive_weight: float = Field(
        default=1.0, gt=0, le=10_000, description="weight in the loss of a word that is a hashtag, of others 1"
    )
    words_first: bool = Field(
        default=False, description="name all words before any other hashtag, whatever their chance"
    )
    shifts: tuple[float, ...] = Field(
        default=tuple(range(-6, 7)), min_length=1, description="what may be added to the words' logits, to choose from"
    )


@register_system("sa_lstm")
class SaLstm(EncoderSystem):
    """Labels each word of a caption as hashtag or not (Shen et al., Computers, Materials & Continua).

    bidirectional LSTM → self-attention → softmax over two labels per word. The hashtag is the word itself, so that
    one which no train post carries can be named; popular hashtags fill the list, see `WordMerging`. User, picture and
    memory are not looked at.
    """

    config_type = SaLstmConfig
    config: SaLstmConfig
    network: WordTagger
    prior: PopularityPrior
    merging: WordMerging

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Learn from the words of captions; see `System.fit`.

        Raises:
            DataError: no train post has both a hashtag and a word, or no validation post has a hashtag.
        """
        train_posts, validation_posts = list(data.split("train")), list(data.split("validation"))
        self._start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(train_posts))
        torch.manual_seed(self.config.seed)
        train_captions = cleaned_captions(train_posts, self.config.caption_profile)
        encoder = build_caption_encoder(self.config.encoder, train_captions, "encoder")
        train = self._labelled(train_posts, encoder).learnable()
        validation = self._labelled(validation_posts, encoder)
        if not len(train):
            raise DataError(
                f"system {self.name} learns from captions alone, and no train post has both a caption and a hashtag; "
                "use another system"
            )
        if not len(validation):
            raise DataError("no validation post has a hashtag, so no model can be chosen; give it a larger fraction")
        shares = [train.positive_share(words) for words in range(1, self.config.spans + 1)]
        if is_main_process():
            run.log({
                "event": "words",
                "train_hashtags_in_caption": train.reachable_share(),
                "validation_hashtags_in_caption": validation.reachable_share(),
                **{f"positive_share_{words}": share for words, share in enumerate(shares, start=1)},
            })  # fmt: skip
        self.network = WordTagger(encoder, self.config.spans, self.config.dropout)
        self.network.start_from(shares)
        learner = WordLearner(self, train, validation)
        state = Trainer(learner, self.config.training, run, self.config.seed).fit()
        self.network.eval()
        self.merging = learner.choose_merging()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds})

    def _labelled(self, posts: Sequence[Post], encoder: CaptionEncoder) -> LabelledWords:
        tagged = [post for post in posts if post.hashtags]
        captions = cleaned_captions(tagged, self.config.caption_profile)
        hashtags = [post.hashtags for post in tagged]
        return LabelledWords.of(captions, hashtags, encoder.maximum_tokens, self.config.spans)

    def _start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.id_map = id_map
        self.prior = PopularityPrior(id_map, train_posts)

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank the words of each caption and the popular hashtags; see `System.rank`.

        Words that nobody has used as a hashtag have numbers in this answer alone.
        """
        captions = cleaned_captions(posts, self.config.caption_profile)
        naming = memory.id_map.fork()
        excluded_ids = excluded or [frozenset()] * len(posts)
        lists = []
        for start in range(0, len(posts), _CAPTIONS_AT_ONCE):
            part = slice(start, start + _CAPTIONS_AT_ONCE)
            for (words, logits), names in zip(self.word_logits(captions[part]), excluded_ids[part], strict=True):
                free = [place for place, word in enumerate(words) if word not in names]
                numbers = np.array(naming.add(words[place] for place in free), np.int64)
                lists.append(
                    self.merging.ranking(
                        numbers, logits[free], self.prior, naming, k, set(self.prior.numbers_of(names))
                    )
                )
        return Rankings.from_lists([post.post_id for post in posts], lists, k, naming.names)

    @torch.no_grad()
    def word_logits(self, captions: Sequence[str]) -> list[tuple[list[str], NDArray[np.float64]]]:
        """Return the words of each caption in canonical form, without repeats, and how likely each is a hashtag.

        Args:
            captions: cleaned.

        Returns:
            Words and ln(P / (1 - P)) of each; of a word that stands there twice, the larger.
        """
        self.network.eval()
        tokens = TokenCaptions(self.encoder, captions)
        order = np.argsort(tokens.lengths(), kind="stable")
        results: list[tuple[list[str], NDArray[np.float64]]] = [([], np.empty(0))] * len(captions)
        for start in range(0, len(order), _RANKING_BATCH):
            rows = order[start : start + _RANKING_BATCH].tolist()
            ids, mask = tokens.batch(rows)
            labels = self.network(ids.to(self.device), mask.to(self.device)).double()
            chances = (labels[..., 1] - labels[..., 0]).cpu().numpy()
            for place, row in enumerate(rows):
                best: dict[str, float] = {}
                for one in candidates_of(captions[row], self.encoder.maximum_tokens, self.config.spans):
                    logit = float(chances[place, one.words - 1, one.start])
                    best[one.hashtag] = max(best.get(one.hashtag, logit), logit)
                results[row] = (list(best), np.array(list(best.values()), np.float64))
        return results

    def save(self, folder: Path) -> None:
        """Write the encoder, the output layers and how words and popular hashtags are merged.

        Raises:
            RunError: the encoder is held in less precision than it was trained in.
        """
        self.require_full_precision()
        write_json(folder / _FILE, {"train_posts": self.prior.train_posts, "shift": self.merging.shift})
        self.encoder.save(folder / _ENCODER)
        save_weights(folder / _OUTPUT_FILE, self.network.output)

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> SaLstm:
        """Read what `save` wrote."""
        system = cls(config)
        values = read_json(folder / _FILE, "how words are merged with popular hashtags")
        system._start(id_map, int(values["train_posts"]))
        system.merging = WordMerging(float(values["shift"]), system.config.words_first)
        encoder = load_caption_encoder(folder / _ENCODER)
        system.network = WordTagger(encoder, system.config.spans, system.config.dropout)
        load_weights(folder / _OUTPUT_FILE, system.network.output)
        system.network.eval()
        return system
