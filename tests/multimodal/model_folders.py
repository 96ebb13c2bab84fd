"""Small random models of the architectures that people plug in, as the transformers library saves them."""

from __future__ import annotations

import torch
from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast, SiglipConfig, SiglipModel

from multimodal.encoders.captions.tokenizer import PAD_TOKEN, START_TOKEN, train_tokenizer

TEXTS = ["a photo of the sea", "the sea at night", "this is a photo of a cat", "kiwi tea in the fog", "a red car"] * 3


def make_tokenizer(folder, **settings):
    tokenizer = train_tokenizer(TEXTS, 400)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD_TOKEN, cls_token=START_TOKEN, **settings)
    fast.save_pretrained(folder)
    return len(fast)


def make_siglip(folder, size_px=16, tokens=64):
    """Save a SigLIP of one layer, whose tokenizer pads on the left and, like Gemma's, does not say how long."""
    vocabulary = make_tokenizer(folder, padding_side="left")
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {
        **tower,
        "vocab_size": vocabulary,
        "max_position_embeddings": tokens,
        "projection_size": 16,
        "pad_token_id": 0,
    }
    torch.manual_seed(3)
    config = SiglipConfig(text_config=text, vision_config={**tower, "image_size": size_px, "patch_size": 8})
    SiglipModel(config).save_pretrained(folder)
    return folder


def make_modernbert(folder):
    """Save a ModernBERT of three layers, of which one attends to everything and two to their surroundings."""
    torch.manual_seed(4)
    vocabulary = make_tokenizer(folder)
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=64,
        local_attention=4,
        pad_token_id=0,
        cls_token_id=1,
        bos_token_id=1,
        eos_token_id=None,
        sep_token_id=None,
    )
    ModernBertModel(config).save_pretrained(folder)
    return folder
