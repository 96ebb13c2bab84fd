"""`HybridSystem`: candidates of many sources, and one ranker that gives each its chance."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.distributed.launching import own_device
from multimodal.encoders import missing_weights
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.hybrid.assembly import CORE, LINEAR, TEXTS, assembled
from multimodal.hybrid.building import TableBuilder
from multimodal.hybrid.choosing import calibrated_on, choose, f1_at
from multimodal.hybrid.config import HybridConfig
from multimodal.hybrid.explaining import Asked, explained
from multimodal.hybrid.learning_posts import LearningPosts, by_time, instant_cut
from multimodal.hybrid.learning_tables import LearningTables
from multimodal.hybrid.ordering import HashtagLists
from multimodal.hybrid.parts.part_memory import PartMemory, space_name
from multimodal.hybrid.parts.part_source import PartSource
from multimodal.hybrid.parts.training import TrainedPart, check_profiles, part_config, train_parts
from multimodal.hybrid.personal import personal_log_odds
from multimodal.hybrid.ranker.fitting import fit_ranker
from multimodal.hybrid.ranker.ranker import Ranker, chances_of
from multimodal.hybrid.sources.linear import LinearHead
from multimodal.hybrid.sources.mentions import EVERYBODY, OWN, rare_mentions
from multimodal.hybrid.sources.texts import HashtagTexts
from multimodal.hybrid.spaces import CAPTION, PostSpaces, build_spaces
from multimodal.hybrid.storage import HybridParts, load_parts, save_parts
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.refitted import RefittedHeads
from multimodal.hybrid.texts.vectors import HashtagVectors
from multimodal.hybrid.weighing import validation_weight, weighted_rows
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.memory.search.caption_vectors import SLOTS
from multimodal.ranking.attention import Attention
from multimodal.ranking.explanation import Explanation
from multimodal.ranking.popularity_prior import PopularityPrior
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import Excluded, Precision, System
from multimodal.systems.registry import get_system, register_system

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.encoders.base import Encoder

logger = logging.getLogger(__name__)
_POSTS_AT_ONCE = 256
# A feature of rankers that are told of the last posts with each hashtag.
OF_LATE = "trends.users"


@register_system("hybrid")
class HybridSystem(System):
    """Ranks what many sources propose by the chance that a learned ranker gives each hashtag.

    Attributes:
        spaces: what posts are compared by.
        head: the linear source; None if it is left out.
        texts: vectors of hashtags, and how near they are to posts; None without a sentence encoder, or if left out.
        parts: other Systems that are sources, by name.
        left_out: sources that are not asked.
        ranker: gives chances.
        prior: fills lists that would be too short.
    """

    config_type = HybridConfig
    scores_are_chances = True
    scores_are_calibrated = True
    calibration_depth = 40
    config: HybridConfig
    spaces: PostSpaces
    head: LinearHead | None
    texts: tuple[HashtagVectors, TextHead] | None
    parts: dict[str, System]
    left_out: tuple[str, ...]
    ranker: Ranker
    prior: PopularityPrior
    _made: tuple[dict[str, System], TableBuilder] | None = None

    @property
    def opens_images(self) -> bool:
        """Whether a part or an encoder reads the pictures itself."""
        return self.spaces.images is not None or any(part.opens_images for part in self.parts.values())

    def encoders(self) -> list[Encoder]:
        """Return the encoders by which posts are compared, and those of the parts."""
        own = [encoder for encoder in (self.spaces.captions, self.spaces.images) if encoder is not None]
        return [*own, *(encoder for part in self.parts.values() for encoder in part.encoders())]

    def picture_size_px(self) -> int | None:
        """Return the size at which parts and encoders read pictures; None where sizes differ or are not known."""
        sizes = {part.picture_size_px() for part in self.parts.values() if part.opens_images}
        if self.spaces.images is not None:
            sizes.add(self.spaces.images.preprocessing.size_px)
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def learns_from_validation(self) -> bool:
        """Whether its ranker does, which `rows.validation` says for the default objective.

        The scores of other objectives become chances on validation posts that they were not learned from.
        """
        return self.config.rows.validation and self.config.ranker.objective == "binary"

    def use_device(self, device: torch.device) -> None:
        """Move encoders and parts to this device."""
        self.spaces.use_device(device)
        for part in self.parts.values():
            part.use_device(device)

    def use_precision(self, precision: Precision) -> None:
        """Convert the encoders of the parts."""
        for part in self.parts.values():
            part.use_precision(precision)

    # -- learning ----------------------------------------------------------------------------------------------

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of the encoders and of the Systems to train."""
        problems = missing_weights(self.config.encoder.caption, self.config.encoder.image)
        for name, given in self.config.sources.items():
            if not Path(given).is_dir():
                config = part_config(name, given, self.config.seed)
                problems += get_system(config.system)(config).missing_weights()
        return problems

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train the parts, choose sources, fit the ranker; see `System.fit`."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self._start(HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies), len(train))
        order = by_time(train)
        train = [train[row] for row in order]
        early_posts = instant_cut(train, int(len(train) * self.config.rows.refit))
        trained = train_parts(self.config.sources, data, order, early_posts, run, self.config.seed)
        check_profiles(self.config.caption_profile, trained)
        self.parts, self.left_out = {name: part.whole for name, part in trained.items()}, rare_mentions(train)
        self.spaces = build_spaces(self.config, train, self.parts)
        self.use_device(own_device())
        vectors = self._hashtag_vectors(train)
        maker = self._table_maker(trained, train, validation, vectors)
        learning = self._chosen(maker, maker.made(self.left_out), run)
        self.head = None if LINEAR in self.left_out else maker.head
        head = None if TEXTS in self.left_out else maker.text_head
        self.texts = None if vectors is None or head is None else (vectors, head)
        self._fit_ranker(learning, run)

    def _start(self, id_map: HashtagIdMap, train_posts: int) -> None:
        self.id_map, self.prior, self._made = id_map, PopularityPrior(id_map, train_posts), None

    def _table_maker(
        self,
        trained: Mapping[str, TrainedPart],
        train: Sequence[Post],
        validation: Sequence[Post],
        texts: HashtagVectors | None,
    ) -> LearningTables:
        memory = PostMemory(self.id_map.vocabulary(), 0, SLOTS, self.spaces.widths, False, self._asks_for_mentions)
        for posts in (train, validation):
            _, terms, vectors = self.spaces.encoded(posts)
            memory.append(posts, None, terms, vectors)
        last, rows = self._last_posts, self.config.rows

        def assemble(
            head: LinearHead | None, near: TextHead | None, parts: Sequence[PartSource], left_out: Collection[str]
        ) -> TableBuilder:
            described = None if texts is None else HashtagTexts(CAPTION, texts, near, last)
            return self._assembled(head, described, parts, left_out)

        heads = None if texts is None else RefittedHeads(memory, texts, last)
        return LearningTables(self.spaces, assemble, memory, trained, rows, train, validation, heads)

    @property
    def _asks_for_mentions(self) -> bool:
        return not {EVERYBODY, OWN} <= set(self.left_out)

    def _hashtag_vectors(self, train: Sequence[Post]) -> HashtagVectors | None:
        if self.spaces.captions is None:
            return None
        captions = cleaned_captions(train, self.config.caption_profile)
        # Others would be known even to a model that is saved after their only user was forgotten.
        known = set(self.id_map.names[: self.id_map.vocabulary_size])
        used = (one for post in train for one in post.hashtags if one in known)
        return HashtagVectors.of_posts(self.spaces.captions, captions, used, self.spaces.cache)

    @property
    def _last_posts(self) -> int:
        return max(self.config.search.hashtag_posts, 1)

    def _chosen(self, maker: LearningTables, learning: LearningPosts, run: RunFolder) -> LearningPosts:
        """Leave out the sources that do not help."""
        optional = [name for name in learning.table.proposers if name not in CORE]
        optional += [TEXTS] if TEXTS in learning.table.sources else []
        if not self.config.rows.choose:
            return learning
        choice = choose(
            learning, optional, list(self.parts), self.config.rows.windows, self.config.ranker, self.config.seed
        )
        self.left_out = (*self.left_out, *choice.left_out)
        self.parts = {name: part for name, part in self.parts.items() if name not in choice.left_out}
        told = {"gains": choice.gains, "by_chance": choice.by_chance, "f1@5": choice.f1}
        run.log({"event": "sources", "left_out": list(choice.left_out), **told})
        return maker.made(self.left_out) if choice.left_out else learning

    def _fit_ranker(self, learning: LearningPosts, run: RunFolder) -> None:
        """Fit the ranker on train posts and judge it on validation posts; then, if wanted, fit it on both."""
        table, end, config, seed = learning.table, len(learning.posts), self.config.ranker, self.config.seed
        rows, validation = learning.rows(0, learning.train), learning.rows(learning.train, end)
        weight = 0.0
        self.ranker = fit_ranker(rows, table.names, table.sources, config, validation, seed)
        taken = [*table.proposers, *([TEXTS] if TEXTS in table.sources else [])]
        f1 = f1_at(self.ranker, learning, learning.train, end)
        self.calibration = calibrated_on(self.ranker, learning, self.calibration_depth)
        logger.info("sources: %s; left out: %s", ", ".join(taken), ", ".join(self.left_out) or "none")
        logger.info("F1@5 on validation posts, of a ranker that did not learn from them: %.4f", f1)
        if self.learns_from_validation and len(validation):
            config = config.model_copy(update={"kind": self.ranker.kind})
            weight = validation_weight(learning, config, seed)
            rows = weighted_rows(learning, weight)
            self.ranker = fit_ranker(rows, table.names, table.sources, config, None, seed)
            logger.info(
                "in the end the ranker learns from train and validation posts; one of the latter counts %g times",
                weight,
            )
        record = {"kind": self.ranker.kind, "sources": taken, "rows": len(rows), "validation_f1@5": f1}
        run.log({"event": "ranker", **record, "validation_weight": weight})

    def _assembled(
        self,
        head: LinearHead | None,
        texts: HashtagTexts | None,
        parts: Sequence[PartSource],
        left_out: Collection[str],
    ) -> TableBuilder:
        return assembled(self.config.search, tuple(self.spaces.widths), head, parts, left_out, texts)

    # -- memory ------------------------------------------------------------------------------------------------

    def new_memory(self) -> PostMemory:
        """Return an empty memory with room for the words, names and vectors of the hybrid and of its parts."""
        spaces, languages = dict(self.spaces.widths), False
        for name, part in self.parts.items():
            empty = part.new_memory()
            languages = languages or empty.detect_languages
            widths = {CONTENT: empty.width, **empty.spaces} if empty.width else empty.spaces
            spaces |= {space_name(name, space): width for space, width in widths.items()}
        return PostMemory(self.id_map.vocabulary(), 0, SLOTS, spaces, languages, self._asks_for_mentions)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their words and vectors."""
        if not posts:
            return
        _, terms, vectors = self.spaces.encoded(posts)
        for name, part in self.parts.items():
            own = part.new_memory()
            if own.width or own.spaces:
                part.add_posts(own, posts)
                everything = np.arange(len(own))
                for space in (*([CONTENT] if own.width else []), *own.spaces):
                    vectors[space_name(name, space)] = own.vectors_at(space, everything)
        memory.append(posts, None, terms, vectors)
        if self.texts is not None:
            # Once, when they are observed, in place of when somebody waits for an answer.
            self.texts[0].of(list(dict.fromkeys(hashtag for post in posts for hashtag in post.hashtags)))

    # -- ranking -----------------------------------------------------------------------------------------------

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank hashtags for each post; see `System.rank`."""
        return self._ranked(posts, self._asked(posts, memory), k, excluded)

    def rank_explained(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None
    ) -> tuple[Rankings, list[list[Explanation]]]:
        """Return what `rank` and `explain` return, for which the sources are asked once."""
        asked = list(self._asked(posts, memory))
        rankings = self._ranked(posts, asked, k, excluded)
        return rankings, self._explained(asked, rankings)

    def explain(self, posts: Sequence[Post], rankings: Rankings, memory: PostMemory) -> list[list[Explanation]]:
        """Return what each source added to the log-odds of each hashtag, and the posts behind it."""
        return self._explained(self._asked(posts, memory), rankings)

    def _asked(self, posts: Sequence[Post], memory: PostMemory) -> Iterator[Asked]:
        """Yield some posts at a time, and what the sources say of them."""
        builder = self._builder()
        for start in range(0, len(posts), _POSTS_AT_ONCE):
            questions = self.spaces.questions(posts[start : start + _POSTS_AT_ONCE], memory)
            yield questions, builder.table(questions)

    def _ranked(self, posts: Sequence[Post], asked: Iterable[Asked], k: int, excluded: Excluded) -> Rankings:
        lists, blocked = HashtagLists(self.id_map, self.prior, k), iter(excluded or [frozenset[str]()] * len(posts))
        for questions, candidates in asked:
            table, log_odds = personal_log_odds(candidates, self.ranker, questions)
            lists.add(table, chances_of(log_odds), list(islice(blocked, len(questions))))
        return lists.rankings([post.post_id for post in posts])

    def _explained(self, asked: Iterable[Asked], rankings: Rankings) -> list[list[Explanation]]:
        answers, lists = list[list[Explanation]](), iter(rankings)
        for one in asked:
            part = list(islice(lists, len(one[0])))
            answers += explained(self._builder(), self.ranker, one, part, self.config.search.own_posts)
        return answers

    def attention(self, post: Post) -> Attention | None:
        """Return where the first of the parts that can say looked."""
        return next((told for part in self.parts.values() if (told := part.attention(post)) is not None), None)

    def _builder(self) -> TableBuilder:
        """Return the sources, made once for the same parts."""
        made = self._made
        if made is None or made[0] is not self.parts:
            parts = [self._part_source(name, part) for name, part in self.parts.items()]
            texts = None if self.texts is None else HashtagTexts(CAPTION, *self.texts, self._last_posts)
            made = self._made = self.parts, self._assembled(self.head, texts, parts, self.left_out)
        return made[1]

    @staticmethod
    def _part_source(name: str, part: System) -> PartSource:
        empty = part.new_memory()
        return PartSource(name, part, lambda questions: PartMemory(questions, name, empty))

    # -- keeping -----------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Save the ranker, the encoders and the parts.

        Raises:
            RunError: a file cannot be written.
        """
        save_parts(
            folder,
            HybridParts(
                self.spaces, self.head, self.parts, self.left_out, self.ranker, self.prior.train_posts, self.texts
            ),
        )

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> HybridSystem:
        """Load what `save` saved.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
        if not isinstance(config, HybridConfig):
            raise RunError(f"{folder}: the configuration is of system {config.system!r}, expected 'hybrid'")
        parts = load_parts(folder, config, id_map)
        if OF_LATE not in parts.ranker.names:
            # Saved before it said whose the last posts with a hashtag are, and learned from train posts alone.
            search = config.search.model_copy(update={"hashtag_posts": 0})
            rows = config.rows.model_copy(update={"validation": False})
            config = config.model_copy(update={"search": search, "rows": rows})
        system = cls(config)
        system._start(id_map, parts.train_posts)
        system.spaces, system.head, system.parts = parts.spaces, parts.head, parts.parts
        system.left_out, system.ranker, system.texts = parts.left_out, parts.ranker, parts.texts
        expected = system._builder().features
        if tuple(feature.name for feature in expected) != tuple(system.ranker.names):
            raise RunError(f"{folder}: the ranker knows other features than the sources give; train the hybrid again.")
        return system
