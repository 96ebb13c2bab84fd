"""`LearningData`: the train and validation posts as datasets, each with the posts it may remember."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from data_loaders.batches import PostDataset
from data_loaders.errors import DataError
from data_loaders.posts import Post
from multimodal.encoders.features.inputs import SelectedCaptions, SelectedImages
from multimodal.encoders.features.picture_loading import worker_count
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.post_networks.datasets import PostDatasets


@dataclass(frozen=True, slots=True)
class LearningData:
    """The datasets that a network learns from and is validated on.

    Attributes:
        contents: all posts, train before validation, without a history; a remembered position is a row of it.
        train: the train posts that have a hashtag of the vocabulary, remembering train posts alone.
        targets: hashtag indices of the posts of `train`.
        validation: the validation posts that have a hashtag, remembering both splits.
        truth: hashtag indices of the posts of `validation`.
        workers: processes that make train batches ahead, unless the encoders' inputs are on a GPU already.
    """

    contents: PostDataset
    train: PostDataset
    targets: list[list[int]]
    validation: PostDataset
    truth: list[list[int]]
    workers: int

    @classmethod
    def build(
        cls,
        datasets: PostDatasets,
        id_map: HashtagIdMap,
        train: Sequence[Post],
        validation: Sequence[Post],
        device: torch.device,
    ) -> LearningData:
        """Build the three datasets over one set of encoder inputs.

        Args:
            datasets: of the network.
            id_map: starts with the vocabulary; new hashtags are added.
            train, validation: the two splits.
            device: of the network.

        Raises:
            DataError: no train post has a hashtag of the vocabulary, or no validation post has any hashtag.
        """
        train_rows, targets = _labelled_rows(train, id_map, id_map.vocabulary_size)
        validation_rows, truth = _labelled_rows(validation, id_map, None)
        if not train_rows:
            raise DataError(
                "no train post has a hashtag of the vocabulary; prepare the data with a lower --minimum-frequency"
            )
        if not validation_rows:
            raise DataError(
                "no validation post has a hashtag, so no model can be chosen; prepare a larger validation split"
            )
        everything = [*train, *validation]
        configured = datasets.config.training.loader_workers
        workers = worker_count(configured)
        captions, images = datasets.inputs(everything, workers)
        vectors = datasets.space_vectors(everything, (captions, images))
        # Making a batch costs less than a worker's copy of it, unless a picture is decoded or a GPU would wait.
        worthwhile = configured is not None or images.decodes or device.type == "cuda"

        def part(rows: list[int], memory: PostMemory, targets: list[list[int]] | None) -> PostDataset:
            selected = SelectedCaptions(captions, rows), SelectedImages(images, rows)
            chosen = {space: array[rows] for space, array in vectors.items()}
            return datasets.dataset([everything[row] for row in rows], memory, targets, selected, chosen)

        def remembering(posts: Sequence[Post]) -> PostMemory:
            memory = datasets.new_memory(id_map)
            spaces = {space: array[: len(posts)] for space, array in vectors.items()}
            memory.append(posts, terms=datasets.term_vectors(posts), spaces=spaces)
            return memory

        return cls(
            contents=datasets.content_dataset(everything, (captions, images)),
            train=part(train_rows, remembering(train), targets),
            targets=targets,
            validation=part([len(train) + row for row in validation_rows], remembering(everything), None),
            truth=truth,
            workers=workers if worthwhile and not (captions.on_gpu or images.on_gpu) else 0,
        )


def _labelled_rows(posts: Sequence[Post], id_map: HashtagIdMap, below: int | None) -> tuple[list[int], list[list[int]]]:
    """Return the rows of posts with a hashtag (one of the first `below`, if given), and all their indices."""
    rows, indices = [], []
    for row, post in enumerate(posts):
        hashtags = id_map.add(post.hashtags)
        if any(below is None or index < below for index in hashtags):
            rows.append(row)
            indices.append(hashtags)
    return rows, indices
