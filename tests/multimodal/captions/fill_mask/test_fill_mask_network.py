"""Logits at masked positions equal the library's own at the same positions, for every family of models."""

from __future__ import annotations

import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.captions.fill_mask.network import MaskedHashtagNetwork

HASHTAG_IDS = [25, 3, 29]


def family(name):
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        DistilBertConfig,
        DistilBertForMaskedLM,
        ElectraConfig,
        ElectraForMaskedLM,
        ModernBertConfig,
        ModernBertForMaskedLM,
        XLMRobertaConfig,
        XLMRobertaForMaskedLM,
    )

    sizes = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    usual = {**sizes, "intermediate_size": 32, "max_position_embeddings": 40, "pad_token_id": 0}
    small = {"vocab_size": 30, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40}
    modern = {**usual, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
    makers = {
        "bert": lambda: BertForMaskedLM(BertConfig(**usual)),
        "xlm_roberta": lambda: XLMRobertaForMaskedLM(XLMRobertaConfig(**usual)),
        "distilbert": lambda: DistilBertForMaskedLM(DistilBertConfig(**small)),
        "electra": lambda: ElectraForMaskedLM(ElectraConfig(**usual, embedding_size=12)),
        "modernbert": lambda: ModernBertForMaskedLM(ModernBertConfig(**modern)),
    }
    torch.manual_seed(0)
    return makers[name]()


def batch():
    generator = torch.Generator().manual_seed(1)
    token_ids = torch.randint(4, 30, (5, 9), generator=generator)
    mask = torch.arange(9) < torch.tensor([9, 4, 7, 1, 9])[:, None]
    return token_ids.masked_fill(~mask, 0), mask, torch.tensor([3, 9, 18 + 6, 27, 36 + 1, 36 + 8])


@pytest.mark.parametrize("name", ["bert", "xlm_roberta", "distilbert", "electra", "modernbert"])
def test_equals_the_whole_library_call(name):
    model = family(name).eval()
    token_ids, mask, places = batch()
    network = MaskedHashtagNetwork(model, HASHTAG_IDS).eval()
    with torch.no_grad():
        expected = model(input_ids=token_ids, attention_mask=mask.long()).logits.flatten(0, 1)[places]
        torch.testing.assert_close(network(token_ids, mask, places, whole=True), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(network(token_ids, mask, places), expected[:, HASHTAG_IDS], atol=1e-5, rtol=1e-4)
        # and the model is left as it was
        again = model(input_ids=token_ids, attention_mask=mask.long()).logits
        assert again.shape == (5, 9, 30)


def test_every_parameter_learns():
    model = family("bert").train()
    network = MaskedHashtagNetwork(model, HASHTAG_IDS)
    network(*batch()).sum().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_the_hook_goes_also_when_the_call_fails():
    model = family("bert")
    network = MaskedHashtagNetwork(model, HASHTAG_IDS)
    with pytest.raises(IndexError):
        network(torch.full((1, 3), 999), torch.ones(1, 3, dtype=torch.bool), torch.tensor([1]))
    assert not model.base_model._forward_hooks


def test_a_model_in_one_piece_is_refused():
    body = family("bert").bert
    assert body.base_model is body
    with pytest.raises(ConfigError, match="a BertModel has no body apart from its head"):
        MaskedHashtagNetwork(body, HASHTAG_IDS)
