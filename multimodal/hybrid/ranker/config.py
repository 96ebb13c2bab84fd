"""The configuration of the ranker."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from multimodal.config import Section

Kind: TypeAlias = Literal["auto", "trees", "linear"]
Weights: TypeAlias = Literal["candidates", "posts"]
Objective: TypeAlias = Literal["binary", "lambdarank", "rank_xendcg"]


class RankerConfig(Section):
    """Boosted trees or logistic regression, and how they are fitted."""

    kind: Kind = Field(default="auto", description="trees, linear, or auto: what has the lower log-loss on validation")
    objective: Objective = Field(default="binary", description="of the trees: binary, lambdarank or rank_xendcg")
    weights: Weights = Field(default="candidates", description="of which each counts the same for the trees")
    rounds: int = Field(default=300, ge=1, le=5_000, description="number of trees")
    leaves: int = Field(default=15, ge=2, le=64, description="most leaves of a tree")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="shrinks what each tree adds")
    least_rows: int = Field(default=50, ge=1, description="candidates that a leaf holds at least")
    feature_share: float = Field(default=0.5, gt=0, le=1, description="features that a tree may split by")
    row_share: float = Field(default=0.8, gt=0, le=1, description="candidates that a tree is grown on")
    l2: float = Field(default=1.0, ge=0, description="penalty on the values of leaves")
    bins: int = Field(default=63, ge=2, le=255, description="values that a feature is rounded to when trees are grown")
    linear_l2: float = Field(default=1.0, gt=0, description="penalty on the weights of logistic regression")
    threads: int = Field(default=1, ge=1, description="threads that grow trees; the trees are the same for any number")
