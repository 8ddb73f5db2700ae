from __future__ import annotations

import pytest
import torch

from farm_engine.liveavatar.checkpoints.generator import write_byte_tokenizer
from farm_engine.liveavatar.checkpoints.random_weights import random_tensor
from farm_engine.liveavatar.checkpoints.tokenizer import load_tokenizer
from farm_engine.liveavatar.encoders.text import (
    TINY,
    UMT5_XXL,
    TextEncoder,
    build_text_model,
    clean_prompt,
    parameter_names,
)


@pytest.fixture
def model():
    """Weights are made from the published names, as the published implementation names its parameters."""
    model = build_text_model(TINY)
    for published, name in parameter_names(TINY["num_layers"]).items():
        parameter = model.get_parameter(name)
        parameter.copy_(random_tensor(published, parameter.shape))
    return model


@pytest.fixture
def encoder(model, tmp_path):
    write_byte_tokenizer(tmp_path / "tokenizer.json")
    return TextEncoder(model, load_tokenizer(tmp_path / "tokenizer.json"), device=torch.device("cpu"), max_tokens=32)


def embed(model, ids):
    return model(input_ids=ids.long()[None]).last_hidden_state[0]


def test_embedding_equals_the_published_implementation(model, golden, relative_error):
    assert relative_error(embed(model, golden["text"]["ids"]), golden["text"]["embedding"]) < 1e-5


@pytest.mark.parametrize("published", list(parameter_names(TINY["num_layers"])))
def test_one_changed_weight_is_noticed(model, golden, relative_error, published):
    model.get_parameter(parameter_names(TINY["num_layers"])[published]).mul_(1.01)
    assert relative_error(embed(model, golden["text"]["ids"]), golden["text"]["embedding"]) > 1e-5


def test_the_published_size_has_the_published_parameter_count():
    with torch.device("meta"):
        model = build_text_model(UMT5_XXL)
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_680_910_336
    assert set(parameter_names(24).values()) == {name for name, _ in model.named_parameters()}


def test_a_prompt_is_embedded_token_by_token_with_an_end(encoder):
    prompt = encoder.encode("a person")
    assert prompt.embedding.shape == (9, TINY["d_model"])
    assert prompt.dropped_tokens == 0


def test_no_weight_stays_on_the_device_when_a_prompt_is_embedded(model, tmp_path):
    write_byte_tokenizer(tmp_path / "tokenizer.json")
    device = torch.device("meta")
    encoder = TextEncoder(model, load_tokenizer(tmp_path / "tokenizer.json"), device=device, max_tokens=32)
    assert encoder.encode("a person").embedding.device == device
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}


def test_a_long_prompt_is_cut_and_says_so(encoder):
    prompt = encoder.encode("x" * 100)
    assert prompt.embedding.shape[0] == 32
    assert prompt.dropped_tokens == 69


def test_prompts_are_cleaned():
    assert clean_prompt("  caf\u00c3\u00a9 &amp;amp; \n\t bar ") == "caf\u00e9 & bar"


def test_the_embedding_is_that_of_the_clean_prompts_tokens_and_the_end(model, encoder):
    prompt = "caf\u00e9 & bar"
    tokens = encoder._tokenizer.encode(prompt).ids
    assert tokens[-1] == encoder._tokenizer.token_to_id("</s>")
    assert len(tokens) == len(prompt.encode()) + 1
    torch.testing.assert_close(encoder.encode(f"  {prompt} &#10; ").embedding, embed(model, torch.tensor(tokens)))


def test_a_cut_prompt_keeps_its_start_and_the_end_token(model, encoder):
    prompt = "a person with a red hat speaks to the camera"
    tokens = encoder._tokenizer.encode(prompt).ids
    kept = torch.tensor([*tokens[:31], tokens[-1]])
    torch.testing.assert_close(encoder.encode(prompt).embedding, embed(model, kept))
