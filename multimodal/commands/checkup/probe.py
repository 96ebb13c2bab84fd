"""Section `probe`: how the encoders of a model compute fastest on this processor."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.commands.checkup.fact import Fact


def probe(options: argparse.Namespace) -> list[Fact]:
    """Return how each way of computing did; it is kept for `compute="auto"`.

    Raises:
        UserError: no model is given to probe with.
    """
    if not options.probe:
        if options.data is not None:
            raise UserError("--data: it is for --probe alone.")
        return []
    if options.run is None:
        raise UserError("--probe needs a model: give --run.")
    from data_loaders.prepared import PreparedData
    from multimodal.systems.compute.choosing import kept_choice, probe_and_keep
    from multimodal.systems.compute.probing import POSTS, Tried

    def told(one: Tried) -> Fact:
        time = "" if one.ratio is None else f"{one.ratio:.2f} of the time of fp32"
        same = "" if one.agreement is None else f"the same hashtags for {one.agreement:.1%} of the posts"
        return Fact(name=one.way, value="; ".join(filter(None, (time, same, one.problem))))

    posts = None if options.data is None else list(PreparedData.open(options.data).split("validation"))[:POSTS]
    found = probe_and_keep(options.run, posts)
    where = kept_choice(options.run) or Path("nowhere")
    chosen = Fact(name="chosen", value=f"{found.chosen}, by {found.posts} posts, for --compute auto; kept in {where}")
    return [*map(told, found.tried), chosen]
