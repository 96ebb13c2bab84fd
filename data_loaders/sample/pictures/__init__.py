"""The scenes of the sample: what a picture shows, and the hashtags that only the picture reveals."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from data_loaders.sample.pictures.canvas import Canvas
from data_loaders.sample.pictures.city import draw_bicycle, draw_city_night, draw_umbrella
from data_loaders.sample.pictures.home import draw_cat, draw_dog, draw_portrait
from data_loaders.sample.pictures.land import draw_balloons, draw_desert, draw_snowy_peaks
from data_loaders.sample.pictures.table import draw_citrus, draw_coffee, draw_pizza
from data_loaders.sample.pictures.unhelpful import draw_unhelpful
from data_loaders.sample.pictures.water import draw_lighthouse, draw_sailboat, draw_sunset_sea
from data_loaders.sample.pictures.woods import draw_autumn_forest, draw_flower, draw_green_forest

Painter = Callable[[Canvas, random.Random], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """The scene that a picture shows.

    Attributes:
        name: identifies the scene.
        family: group of scenes that determines joint hashtags.
        hashtags: canonical hashtags of the scene.
        draw: draws a picture of the scene.
    """

    name: str
    family: str
    hashtags: tuple[str, ...]
    draw: Painter


SCENES: tuple[Scene, ...] = (
    Scene("sunset_sea", "water", ("sunset", "sea"), draw_sunset_sea),
    Scene("sailboat", "water", ("sailing", "sea"), draw_sailboat),
    Scene("lighthouse", "water", ("lighthouse", "sea"), draw_lighthouse),
    Scene("snowy_peaks", "land", ("mountains", "snow"), draw_snowy_peaks),
    Scene("desert", "land", ("desert",), draw_desert),
    Scene("balloons", "land", ("hotairballoon", "bluesky"), draw_balloons),
    Scene("green_forest", "woods", ("forest", "green"), draw_green_forest),
    Scene("autumn_forest", "woods", ("forest", "autumn"), draw_autumn_forest),
    Scene("flower", "woods", ("flowers",), draw_flower),
    Scene("city_night", "city", ("citylights", "nightphotography"), draw_city_night),
    Scene("bicycle", "city", ("bicycle",), draw_bicycle),
    Scene("umbrella", "city", ("rainyday",), draw_umbrella),
    Scene("pizza", "table", ("pizza", "foodie"), draw_pizza),
    Scene("coffee", "table", ("coffee",), draw_coffee),
    Scene("citrus", "table", ("citrus", "foodie"), draw_citrus),
    Scene("cat", "home", ("cat", "pets"), draw_cat),
    Scene("dog", "home", ("dog", "pets"), draw_dog),
    Scene("portrait", "home", ("portrait",), draw_portrait),
)

# Hashtags that authors who write in Cyrillic use for some scenes; they depend on picture and author together.
CYRILLIC_SCENE_HASHTAGS: dict[str, str] = {"sunset": "закат", "sea": "море", "forest": "лес"}

_PAINTERS: dict[str, Painter] = {scene.name: scene.draw for scene in SCENES}


def render(scene: str | None, *, size_px: int, seed: str) -> Image.Image:
    """Return a picture of a scene.

    Args:
        scene: a name from `SCENES`, or None for a dark, blurred or otherwise unhelpful picture.
        size_px: side length of the square picture.
        seed: seed of all random choices; the same seed gives the same pixels.
    """
    rng = random.Random(seed)
    canvas = Canvas(size_px, rng)
    (draw_unhelpful if scene is None else _PAINTERS[scene])(canvas, rng)
    return canvas.finish()
