"""`DesignLearner`: how DESIGN learns and is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from data_loaders.batches import CaptionInputs, ImageInputs, PostBatch, PostDataset, bucketed_batches
from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.design.losses import sequence_loss, set_loss
from multimodal.design.network import DesignNetwork, DesignOutput
from multimodal.design.targets import TargetSequences
from multimodal.distributed.processes import map_processes
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.inputs import SelectedCaptions, SelectedImages
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.training.losses import bce_loss, softmax_loss
from multimodal.training.validation_f1 import f1_of_hits

if TYPE_CHECKING:
    from multimodal.design.system import DesignSystem

_SORTED_TOGETHER = 50
ALPHAS = tuple(step / 10 for step in range(11))


class DesignLearner:
    """Trains a `DesignSystem` on the train split and validates it, rolling, on the validation split.

    Train posts remember train posts alone; validation posts remember both. The content vectors of what is
    remembered are computed once an epoch, without gradient.

    Args:
        system: its network is trained and its `alpha` chosen.
        train, validation: the two splits.

    Raises:
        DataError: no train post has a hashtag of the vocabulary, or no validation post has any hashtag.
    """

    def __init__(self, system: DesignSystem, train: Sequence[Post], validation: Sequence[Post]) -> None:
        self.system, self.config = system, system.config
        self.network: DesignNetwork = system.network
        self.module: nn.Module = self.network
        id_map = HashtagIdMap(system.id_map.names, system.id_map.frequencies.tolist())
        self._memory = system.memory_for(id_map)
        self._everything = [*train, *validation]
        self._train_rows, targets = _labelled_rows(train, id_map, system.id_map.vocabulary_size)
        self._validation_rows, self._truth = _labelled_rows(validation, id_map, None)
        if not self._train_rows:
            raise DataError("no train post has a hashtag of the vocabulary; lower --minimum-frequency in prepare.py")
        if not self._validation_rows:
            raise DataError("no validation post has a hashtag, so no model can be chosen; give it a larger fraction")
        self._mean_targets = float(np.mean([len(row) for row in targets]))
        self._sequences = TargetSequences(
            targets,
            system.id_map.vocabulary_size,
            self.config.heads.order,
            self.config.heads.steps,
            self.config.seed,
        )
        inputs = system.inputs(self._everything)
        self._contents = PostDataset(self._everything, *inputs, self._memory)
        train_memory = system.memory_for(id_map)
        system.append_without_vectors(train_memory, train)
        self._train = self._part(self._train_rows, train_memory, inputs, targets)
        system.append_without_vectors(self._memory, self._everything)
        judged = [len(train) + row for row in self._validation_rows]
        self._validation = self._part(judged, self._memory, inputs, None)
        self._lengths = self._train.captions.lengths()
        encoder = self.network.image_encoder
        self._augmentation = encoder.augmentation if encoder is not None else None
        self._bank = torch.zeros(len(self._everything), self.config.width)

    def _part(
        self,
        rows: list[int],
        memory: PostMemory,
        inputs: tuple[CaptionInputs, ImageInputs],
        targets: Sequence[Sequence[int]] | None,
    ) -> PostDataset:
        captions, images = inputs
        selected = SelectedCaptions(captions, rows), SelectedImages(images, rows)
        return self.system.dataset([self._everything[row] for row in rows], memory, targets, selected)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups with and without weight decay; encoders have their own learning rates."""
        training = self.config.training
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                rate = self._learning_rate(name)
                decay = training.weight_decay if parameter.dim() > 1 else 0.0
                groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]

    def _learning_rate(self, name: str) -> float:
        training = self.config.training
        for prefix, encoder in self._encoders().items():
            if name.startswith(prefix):
                default = training.learning_rate if encoder.config.from_scratch else training.encoder_learning_rate
                return encoder.config.learning_rate or default
        return training.learning_rate

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch."""
        window = _SORTED_TOGETHER if self.config.length_bucketing else 1
        return bucketed_batches(
            self._lengths, self.config.training.batch_size, self.config.seed, epoch, window_batches=window
        )

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Compute the content vectors of everything remembered, and choose who is trained without what."""
        self._device = device
        vectors = self.system.contents(self._contents, device) if self._remembers() else self._bank.cpu().numpy()
        self._memory.vectors[:] = vectors
        self._bank = torch.from_numpy(np.array(vectors)).to(device)
        self._choose_dropped(epoch)

    def _remembers(self) -> bool:
        return bool(self.config.history.posts or self.config.history.neighbours)

    def _choose_dropped(self, epoch: int) -> None:
        generator = np.random.default_rng([self.config.seed, epoch, 1])
        which = generator.random(len(self._train))
        rate = self.config.modality_dropout
        # Never both at once; never the only one a post has.
        has_caption, has_image = self._train.captions.present(), self._train.images.present()
        self._drop_caption = (which < rate) & has_image
        self._drop_image = (which > 1 - rate) & has_caption
        self._drop_history = generator.random(len(self._train)) < self.config.history.dropout
        self._dropped_epoch = epoch

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts, and its two parts."""
        if self._dropped_epoch != epoch:
            self._choose_dropped(epoch)
        batch = self._train_batch(rows, epoch).to(self._device)
        previous, following = self._sequences.batch(rows, epoch)
        teach = previous.to(self._device) if self.config.heads.sequence else None
        output: DesignOutput = module(batch, self._bank, teach)
        loss = torch.zeros((), device=self._device)
        parts: dict[str, float] = {}
        if output.logits is not None:
            multilabel = self._multilabel_loss(output.logits, output.columns.of(batch.targets)).mean()
            loss, parts["multilabel_loss"] = loss + multilabel, float(multilabel.detach())
        if output.sequence_logits is not None:
            compute = set_loss if self.config.heads.order == "free" else sequence_loss
            sequence = compute(output.sequence_logits.float(), following.to(self._device)).mean()
            loss, parts["sequence_loss"] = loss + self.config.heads.sequence_weight * sequence, float(sequence.detach())
        return loss, parts

    def _train_batch(self, rows: list[int], epoch: int) -> PostBatch:
        batch = self._train.batch(rows, self._drop_caption, self._drop_image, self._drop_history)
        if self._augmentation is None or batch.image is None:
            return batch
        seen = torch.nonzero(batch.image_present).flatten()
        views = self._augmentation.views(batch.image[seen], batch.rows[seen].tolist(), self.config.seed, epoch)
        batch.image[seen] = views
        return batch

    def _multilabel_loss(self, logits: Tensor, columns: Tensor) -> Tensor:
        if self.config.heads.loss == "bce":
            return bce_loss(logits.float(), columns, self._mean_targets)
        return softmax_loss(torch.log_softmax(logits.float(), -1), columns)

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts for the best weight of the two heads."""
        k = self.config.training.validation_k
        alphas = ALPHAS if self.config.ranking.alpha is None and self.system.has_both_heads else (self.system.alpha,)
        rows = list(range(len(self._validation)))

        def score(share: Sequence[int]) -> list[list[int]]:
            return self.system.hits(self._validation, share, [self._truth[row] for row in share], self._bank, k, alphas)

        hits = np.array(map_processes(rows, score), np.float64)
        f1 = f1_of_hits(hits, [len(row) for row in self._truth], k)
        best = int(f1.argmax())
        self.system.alpha = alphas[best]
        return {"score": float(f1[best]), "alpha": alphas[best], "hit_rate": float((hits[:, best] > 0).mean())}

    def tensors(self) -> dict[str, Tensor]:
        """Return the content vectors that the running epoch uses."""
        return {"bank": self._bank}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Take back the content vectors of an epoch that goes on."""
        self._device = device
        self._bank = tensors["bank"].to(device)
        self._memory.vectors[:] = tensors["bank"].numpy()
        self._dropped_epoch = -1

    def weights(self) -> dict[str, Tensor]:
        """Return what is learned: everything but frozen encoders."""
        return {key: value for key, value in self.module.state_dict().items() if not key.startswith(self._frozen())}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take back what `weights` gave."""
        self.module.load_state_dict({**self.module.state_dict(), **weights})

    def _frozen(self) -> tuple[str, ...]:
        return tuple(prefix for prefix, encoder in self._encoders().items() if encoder.frozen)

    def _encoders(self) -> dict[str, CaptionEncoder | ImageEncoder]:
        encoders = {"caption_encoder.": self.network.caption_encoder, "image_encoder.": self.network.image_encoder}
        return {prefix: encoder for prefix, encoder in encoders.items() if encoder is not None}


def _labelled_rows(posts: Sequence[Post], id_map: HashtagIdMap, below: int | None) -> tuple[list[int], list[list[int]]]:
    """Return the rows of posts with a hashtag (one of the first `below`, if given), and all their indices."""
    rows, indices = [], []
    for row, post in enumerate(posts):
        found = id_map.add(post.hashtags)
        if any(below is None or index < below for index in found):
            rows.append(row)
            indices.append(found)
    return rows, indices
