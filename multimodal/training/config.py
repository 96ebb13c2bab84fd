"""The configuration of the training loop."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from multimodal.config import Section


class TrainingConfig(Section):
    """How a network is trained."""

    epochs: int = Field(default=30, ge=1, description="most passes over the train split")
    batch_size: int = Field(default=64, ge=1, description="posts a step, over all processes")
    learning_rate: float = Field(default=1e-3, gt=0, description="of everything but pretrained encoders")
    encoder_learning_rate: float = Field(default=2e-5, gt=0, description="of unfrozen pretrained encoders")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW, on matrices only")
    warmup: float = Field(default=0.06, ge=0, le=1, description="share of steps with rising learning rate")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="how the learning rate falls to 0 after it has risen; constant: not at all"
    )
    clip: float = Field(default=5.0, gt=0, description="largest gradient norm")
    gradient_accumulation: int = Field(default=1, ge=1, description="batches per optimiser step")
    patience: int = Field(default=5, ge=1, description="epochs without a better validation score before stopping")
    validation_k: int = Field(default=5, ge=1, description="K of the validation F1 that selects the model")
    precision: Literal["no", "auto", "bf16", "fp16"] = Field(
        default="no", description="mixed precision; auto: bf16 where the GPU or processor has it, else no"
    )
    loader_workers: int | None = Field(
        default=None, ge=0, le=64, description="processes per training process that make batches ahead; null: up to "
        "12, by the number of processors, where pictures do not fit in memory or a GPU computes, else none",
    )  # fmt: skip
    shard_encoders: bool | None = Field(
        default=None, description="with several processes, whether each holds a share of the trained encoders only "
        "(FSDP2); null: of those with a billion parameters or more",
    )  # fmt: skip
    compile: bool = Field(default=False, description="torch.compile the network")
    checkpoint_minutes: float = Field(default=10.0, gt=0, description="minutes between checkpoints inside an epoch")
    tensorboard: bool = Field(default=False, description="also write TensorBoard files")

    @field_validator("precision", mode="before")
    @classmethod
    def _no_as_written(cls, value: Any) -> Any:
        # YAML reads a bare no as false.
        return "no" if value is False else value
