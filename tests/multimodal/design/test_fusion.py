"""Ways of fusing, against their steps written out."""

from __future__ import annotations

import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.design.fusion import Fusion, build_fusion, list_fusions, register_fusion

WIDTH, HIDDEN = 4, 3


@pytest.fixture
def modalities():
    torch.manual_seed(5)
    return torch.randn(6, WIDTH), torch.randn(6, WIDTH)


def normalised(values, layer):
    """Batch normalisation over one batch: biased variance, then scale and shift."""
    mean = values.mean(0)
    variance = ((values - mean) ** 2).mean(0)
    return (values - mean) / torch.sqrt(variance + layer.eps) * layer.weight + layer.bias


def test_sum(modalities):
    text, image = modalities
    content, weight = build_fusion("sum", WIDTH, HIDDEN)(text, image)
    assert torch.equal(content, text + image)
    assert torch.equal(weight, torch.full((6, WIDTH), 0.5))


@pytest.mark.parametrize("name", ["weighted", "scalar"])
def test_the_six_steps(modalities, name):
    text, image = modalities
    fusion = build_fusion(name, WIDTH, HIDDEN)
    with torch.no_grad():
        for layer in (fusion.normalise_input, fusion.normalise_hidden):
            layer.weight.uniform_(0.5, 2)
            layer.bias.uniform_(-1, 1)
    content, weight = fusion(text, image)
    features = torch.stack([torch.cat([t, v]) for t, v in zip(text, image, strict=True)])  # f = [t; v]
    features = normalised(features, fusion.normalise_input)
    hidden = features @ fusion.first.weight.T + fusion.first.bias
    hidden = normalised(torch.where(hidden > 0, hidden, 0.01 * hidden), fusion.normalise_hidden)
    expected = 1 / (1 + torch.exp(-(hidden @ fusion.second.weight.T + fusion.second.bias)))
    torch.testing.assert_close(weight, expected.expand(6, WIDTH))
    torch.testing.assert_close(content, (1 - expected) * text + expected * image)


def test_weighted_has_a_weight_per_coordinate_and_scalar_one(modalities):
    assert build_fusion("weighted", WIDTH, HIDDEN)(*modalities)[1].std(dim=1).min() > 0
    assert build_fusion("scalar", WIDTH, HIDDEN)(*modalities)[1].std(dim=1).max() == 0


@pytest.mark.parametrize("name", ["weighted", "scalar"])
@pytest.mark.parametrize("bias, chosen", [(-50.0, 0), (50.0, 1)])
def test_an_extreme_gate_takes_one_side_alone(modalities, name, bias, chosen):
    fusion = build_fusion(name, WIDTH, HIDDEN)
    torch.nn.init.constant_(fusion.second.bias, bias)
    torch.testing.assert_close(fusion(*modalities)[0], modalities[chosen])


def test_caption_and_picture_have_weights_of_their_own(modalities):
    text, image = modalities
    fusion = build_fusion("weighted", WIDTH, HIDDEN).eval()
    fusion(text, image)[1].sum().backward()
    gradients = fusion.first.weight.grad
    assert gradients.shape == (HIDDEN, 2 * WIDTH)
    assert not torch.allclose(gradients[:, :WIDTH], gradients[:, WIDTH:])
    assert not torch.allclose(fusion(text, image)[1], fusion(image, text)[1])


def test_a_post_alone_is_fused_as_in_a_batch(modalities):
    text, image = modalities
    fusion = build_fusion("weighted", WIDTH, HIDDEN).eval()
    alone = torch.cat([fusion(text[row : row + 1], image[row : row + 1])[0] for row in range(6)])
    torch.testing.assert_close(alone, fusion(text, image)[0])


def test_a_single_post_can_be_trained_on(modalities):
    fusion = build_fusion("weighted", WIDTH, HIDDEN)
    fusion(modalities[0][:1], modalities[1][:1])[0].sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in fusion.parameters())


def test_the_registry():
    assert list_fusions() == ["scalar", "sum", "weighted"]
    with pytest.raises(ConfigError) as error:
        build_fusion("wieghted", WIDTH, HIDDEN)
    assert str(error.value) == ("unknown fusion 'wieghted'. Did you mean 'weighted'? Known: scalar, sum, weighted.")
    with pytest.raises(ValueError, match="the fusion 'sum' is already registered"):
        register_fusion("sum")(Fusion)
