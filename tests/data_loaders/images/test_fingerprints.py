"""The fingerprints that recognise the same picture again."""

from io import BytesIO

import numpy as np
from PIL import Image

from data_loaders.images.fingerprints import colour_signature, is_flat, perceptual_hash
from data_loaders.images.loading import load_image

RED, BLUE = (220, 20, 20), (20, 20, 220)


def scene(seed=0):
    """A smooth picture with detail, different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((96, 64), Image.Resampling.BICUBIC)


def jpeg(image, quality):
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def bits_apart(a, b):
    return (perceptual_hash(a) ^ perceptual_hash(b)).bit_count()


def test_most_bits_of_the_hash_survive_rescaling_and_recompression():
    scenes = [scene(seed=seed) for seed in range(40)]
    assert all(0 <= perceptual_hash(image) < 2**64 for image in scenes)
    recompressed = [load_image(jpeg(image, 80)) for image in scenes]
    rescaled = [image.resize((58, 38), Image.Resampling.LANCZOS) for image in scenes]
    assert np.mean([bits_apart(*pair) <= 4 for pair in zip(scenes, recompressed, strict=True)]) >= 0.9
    assert np.mean([bits_apart(*pair) <= 4 for pair in zip(scenes, rescaled, strict=True)]) >= 0.8
    assert min(bits_apart(scenes[a], scenes[b]) for a in range(40) for b in range(a)) > 8


def test_the_hash_equals_the_plain_double_sum():
    grey = np.asarray(scene().convert("L").resize((32, 32), Image.Resampling.BOX), np.float64)
    pixels = np.arange(32)
    sums = np.array(
        [
            [
                sum(
                    grey[y, x] * np.cos(np.pi * i * (2 * y + 1) / 64) * np.cos(np.pi * j * (2 * x + 1) / 64)
                    for y in pixels
                    for x in pixels
                )
                for j in range(1, 9)
            ]
            for i in range(1, 9)
        ]
    )
    bits = "".join("1" if value > np.median(sums) else "0" for value in sums.ravel())
    assert perceptual_hash(scene()) == int(bits, 2)


def test_colours_of_the_quarters():
    image = Image.new("RGB", (10, 6), RED)
    image.paste(BLUE, (5, 3, 10, 6))
    assert colour_signature(image) == bytes((*RED, *RED, *RED, *BLUE))
    assert len(colour_signature(Image.new("RGB", (1, 1)))) == 12
    apart = np.abs(
        np.frombuffer(colour_signature(scene()), np.uint8).astype(int)
        - np.frombuffer(colour_signature(load_image(jpeg(scene(), 60))), np.uint8)
    )
    assert apart.max() <= 3


def test_flat_pictures():
    assert is_flat(Image.new("RGB", (50, 20), RED))
    assert not is_flat(scene())
