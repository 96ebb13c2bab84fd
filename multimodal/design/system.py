"""`DesignSystem`: DESIGN behind the interface that every System has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_loaders.batches import CaptionInputs, ImageInputs, PostBatch, PostDataset, Related
from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.design.config import DesignConfig
from multimodal.design.decoding import decode_scores
from multimodal.design.learner import DesignLearner
from multimodal.design.network import Content, DesignNetwork, DesignOutput
from multimodal.design.storage import load_parts, save_parts
from multimodal.distributed.launching import own_device
from multimodal.distributed.processes import is_main_process, map_processes
from multimodal.encoders import build_caption_encoder, build_image_encoder
from multimodal.encoders.features.inputs import caption_inputs, cleaned_captions, image_inputs
from multimodal.memory.caption_search import SLOTS, CaptionVectors, find_neighbours, similarity_to
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.aggregate import aggregate
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import order_candidates
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.network import NetworkSystem
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)

_BULK_POSTS = 256
_RANKING_BATCH = 128


@register_system("design")
class DesignSystem(NetworkSystem):
    """DESIGN with weighted fusion (see `DesignNetwork`), its memory and its ranking."""

    config_type = DesignConfig
    config: DesignConfig
    network: DesignNetwork
    alpha: float
    _terms: CaptionVectors | None = None

    @property
    def has_both_heads(self) -> bool:
        """Whether there are two scores to weigh against each other."""
        return self.config.heads.multilabel and self.config.heads.sequence

    @property
    def _compares_captions(self) -> bool:
        history = self.config.history
        return self.config.encoder.caption is not None and bool(history.posts or history.neighbours)

    @property
    def opens_images(self) -> bool:
        """Whether there is an image encoder: its input is made from the pictures themselves."""
        return self.network.image_encoder is not None

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run the encoders in `dtype`; everything behind them stays in fp32."""
        for encoder in (self.network.caption_encoder, self.network.image_encoder):
            if encoder is not None:
                encoder.to_dtype(dtype)

    # -- learning ----------------------------------------------------------------------------------------------

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train the network; see `System.fit`."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
        self.alpha = 0.5 if self.config.ranking.alpha is None else self.config.ranking.alpha
        torch.manual_seed(self.config.seed)
        captions = cleaned_captions(train, self.config.caption_profile)
        self.build(captions, any(post.image is not None for post in train))
        # Frozen encoders run once, while the learner is made: not on the CPU where there is something faster.
        self.use_device(own_device())
        learner = DesignLearner(self, train, validation)
        trainer = Trainer(learner, self.config.training, run, self.config.seed)
        state = trainer.fit()
        learner.start_epoch(state.epoch, self.device)
        scores = learner.validate()
        self.network.eval()
        if is_main_process():
            run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds, **scores})

    def build(self, captions: Sequence[str], pictured: bool) -> None:
        """Make the network, untrained; `id_map` is set by now.

        Args:
            captions: cleaned captions of the train split, "" for none.
            pictured: whether any train post has a picture.
        """
        encoder = self.config.encoder
        if encoder.caption is not None and not any(captions):
            logger.info("no train post has a caption: the caption encoder is left out")
        if encoder.image is not None and not pictured:
            logger.info("no train post has a picture: the image encoder is left out")
        words = [caption for caption in captions if caption]
        caption_encoder = build_caption_encoder(encoder.caption, words) if encoder.caption and words else None
        image_encoder = build_image_encoder(encoder.image) if encoder.image and pictured else None
        if self._compares_captions:
            self._terms = CaptionVectors.fit(words)
        size = self.id_map.vocabulary_size
        self.network = DesignNetwork(self.config, size, caption_encoder, image_encoder)

    # -- memory ------------------------------------------------------------------------------------------------

    def new_memory(self) -> PostMemory:
        """Return an empty memory with room for content vectors."""
        return self.memory_for(HashtagIdMap(self.id_map.names, self.id_map.frequencies.tolist()))

    def memory_for(self, id_map: HashtagIdMap) -> PostMemory:
        """Return an empty memory on an id map of your own."""
        return PostMemory(id_map, self.config.width, SLOTS if self._terms is not None else 0)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their content vectors."""
        if posts:
            memory.append(posts, self.contents(self.content_dataset(posts), self.device), self._term_vectors(posts))

    def append_without_vectors(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts whose content vectors are filled in later."""
        memory.append(posts, np.zeros((len(posts), self.config.width), np.float32), self._term_vectors(posts))

    def _term_vectors(self, posts: Sequence[Post]) -> Any:
        return None if self._terms is None else self._terms.of(cleaned_captions(posts, self.config.caption_profile))

    # -- from posts to tensors ---------------------------------------------------------------------------------

    def inputs(self, posts: Sequence[Post]) -> tuple[CaptionInputs, ImageInputs]:
        """Return what the encoders take; features come from the cache when the encoder is frozen and posts are many."""
        captions = cleaned_captions(posts, self.config.caption_profile)
        on_disk = all(post.image is None or isinstance(post.image, (str, Path)) for post in posts)
        cache = self.config.feature_cache if len(posts) >= _BULK_POSTS and on_disk else None
        return (
            caption_inputs(self.network.caption_encoder, captions, cache),
            image_inputs(self.network.image_encoder, posts, cache),
        )

    def content_dataset(self, posts: Sequence[Post]) -> PostDataset:
        """Return posts as encoder inputs, without anything remembered."""
        return PostDataset(posts, *self.inputs(posts), PostMemory(HashtagIdMap()))

    def dataset(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        targets: Sequence[Sequence[int]] | None = None,
        inputs: tuple[CaptionInputs, ImageInputs] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs with what the memory holds before each of them."""
        history = self.config.history
        instants = np.array([post.instant_us for post in posts], np.int64)
        positions = memory.history([post.user_id for post in posts], instants, history.posts)
        own, near = Related(positions, np.zeros(positions.shape, np.float32)), None
        if self._terms is not None:
            queries, terms = self._terms.of(cleaned_captions(posts, self.config.caption_profile)), memory.terms
            own = Related(positions, similarity_to(queries, terms, positions))
            near = find_neighbours(
                queries, instants, terms, memory.instants_us, history.neighbours, history.neighbour_decay
            )
        words, pictures = inputs or self.inputs(posts)
        return PostDataset(posts, words, pictures, memory, own, near, targets)

    def contents(self, dataset: PostDataset, device: torch.device) -> NDArray[np.float32]:
        """Return the content vector of every post, (N, D), in evaluation mode."""
        return self.encode_posts(dataset, device, lambda content: content.vector)

    @torch.no_grad()
    def encode_posts(
        self, dataset: PostDataset, device: torch.device, read: Callable[[Content], Tensor]
    ) -> NDArray[np.float32]:
        """Return what `read` takes from the content of every post, (N, …), in evaluation mode."""
        self.network.eval()

        def work(rows: Sequence[int]) -> list[NDArray[np.float32]]:
            ordered = sorted(rows, key=lambda row: lengths[row])
            values: dict[int, NDArray[np.float32]] = {}
            for part in _parts(ordered, _RANKING_BATCH):
                content = self.network.encode(dataset.batch(part).to(device))
                values.update(zip(part, read(content).float().cpu().numpy(), strict=True))
            return [values[row] for row in rows]

        lengths = dataset.captions.lengths()
        return np.stack(map_processes(range(len(dataset)), work))

    # -- answering ---------------------------------------------------------------------------------------------

    @torch.no_grad()
    def scores(self, batch: PostBatch, bank: Tensor, alphas: Sequence[float]) -> tuple[list[Tensor], Tensor]:
        """Return the scores (B, C) for each weight of the heads, and the hashtag index of every column.

        A post's score is -inf where only its batch mates can name the hashtag.
        """
        output = self.network(batch, bank)
        multilabel, sequence = self._multilabel(output), None
        outside = len(output.columns) - output.columns.vocabulary_size
        if self.network.sequence is not None:
            heads = self.config.heads
            named = decode_scores(
                self.network.sequence, output.joined, self.network.embeddings, heads.steps, heads.beams
            )
            sequence = torch.nn.functional.pad(named, (0, outside))
        nameable = torch.ones(len(batch), len(output.columns), dtype=torch.bool, device=bank.device)
        nameable[:, output.columns.vocabulary_size :] = False
        if output.logits is not None:
            nameable |= output.logits > -torch.inf
        rule = self.config.ranking.aggregate
        joined = [aggregate(multilabel, sequence, alpha, rule, nameable) for alpha in alphas]
        return joined, output.columns.indices()

    def _multilabel(self, output: DesignOutput) -> Tensor | None:
        if output.logits is None:
            return None
        logits = output.logits.float()
        return logits.sigmoid() if self.config.heads.loss == "bce" else logits.softmax(-1)

    def hits(
        self,
        dataset: PostDataset,
        rows: Sequence[int],
        truth: Sequence[Sequence[int]],
        bank: Tensor,
        k: int,
        alphas: Sequence[float],
    ) -> list[list[int]]:
        """Return, for each row and each alpha, how many true hashtags are among the first k."""
        results: list[list[int]] = []
        for part in _parts(list(rows), _RANKING_BATCH):
            joined, indices = self.scores(dataset.batch(part).to(bank.device), bank, alphas)
            start = len(results)
            found = np.zeros((len(part), len(alphas)), np.int64)
            for place, scores in enumerate(joined):
                best = scores.topk(min(k, scores.shape[1]), 1)
                named = torch.where(best.values.isfinite(), indices[best.indices], -1).cpu().numpy()
                found[:, place] = [len(set(row) & set(truth[start + at])) for at, row in enumerate(named.tolist())]
            results.extend(found.tolist())
        return results

    def rank(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        k: int,
        excluded: Sequence[frozenset[str]] | None = None,
    ) -> Rankings:
        """Rank hashtags for each post; see `System.rank`."""
        self.network.eval()
        indices = np.full((len(posts), k), -1, np.int64)
        scores = np.full((len(posts), k), np.nan)
        if posts:
            dataset = self.dataset(posts, memory)
            bank = torch.from_numpy(memory.vectors).to(self.device)
        for part in _parts(list(range(len(posts))), _RANKING_BATCH):
            (joined,), columns = self.scores(dataset.batch(part).to(self.device), bank, [self.alpha])
            values, named = joined.double().cpu().numpy(), columns.cpu().numpy()
            for place, row in enumerate(part):
                if excluded is not None and excluded[row]:
                    values[place, _named_in(excluded[row], named, memory.id_map)] = -np.inf
                best, best_scores = order_candidates(named, values[place], memory.id_map, k)
                indices[row, : len(best)], scores[row, : len(best)] = best, best_scores
        return Rankings([post.post_id for post in posts], indices, scores, memory.id_map.names)

    # -- keeping -----------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write network, encoders and settings.

        Raises:
            RunError: see `require_full_precision`.
        """
        self.require_full_precision()
        save_parts(folder, self.network, self.alpha, self._terms)

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> DesignSystem:
        """Read what `save` wrote.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
        if not isinstance(config, DesignConfig):
            raise RunError(f"{folder}: the configuration is of system {config.system!r}, expected 'design'")
        system = cls(config)
        system.id_map = id_map
        system.network, system.alpha, system._terms = load_parts(
            folder, config, id_map.vocabulary_size, system._compares_captions
        )
        return system


def _parts(rows: Sequence[int], size: int) -> list[list[int]]:
    return [list(rows[start : start + size]) for start in range(0, len(rows), size)]


def _named_in(excluded: frozenset[str], indices: NDArray[np.int64], id_map: HashtagIdMap) -> NDArray[np.bool_]:
    unwanted = [index for index in (id_map.find(hashtag) for hashtag in excluded) if index is not None]
    return np.isin(indices, unwanted)
