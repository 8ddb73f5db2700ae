"""What bfloat16 costs, ours and the published transformer's, against float32 on the same weights.

Two bfloat16 programs that differ in one rounding anywhere differ by about that cost: the noise floor of their
comparison. The video is small, so that a float32 copy of the model fits next to it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend

from farm_engine.liveavatar.transformer.config import Geometry, ModelConfig
from farm_engine.liveavatar.transformer.model import DiffusionTransformer
from tests.gpu import real_size
from tests.gpu.measure import forget_peak, relative_error
from tests.gpu.speed import Velocities, measure_published, our_velocities

GEOMETRY = Geometry(width=128, height=128)


def measure_precision(checkout: Path, config: ModelConfig, *, layers: int, blocks: int) -> dict[str, object]:
    """Mean relative errors over `blocks` blocks at 4 steps, the first `layers` layers of the model."""
    injected = tuple(layer for layer in config.audio_inject_layers if layer < layers)
    shallow = dataclasses.replace(config, num_layers=layers, audio_inject_layers=injected)
    model = real_size.build_model(shallow)
    exact = _exact_velocities(model, blocks)
    ours = our_velocities(model, GEOMETRY, blocks)
    _, published = measure_published(checkout, model, GEOMETRY, blocks=blocks)
    other_backend = {"cross_attention": SDPBackend.CUDNN_ATTENTION}
    _, other = measure_published(checkout, model, GEOMETRY, blocks=blocks, **other_backend)
    return {
        "oursAgainstFloat32": _mean_error(ours, exact),
        "publishedAgainstFloat32": _mean_error(published, exact),
        "oursAgainstPublished": _mean_error(ours, published),
        "publishedAgainstItselfWithAnotherTextAttention": _mean_error(other, published),
    }


def _exact_velocities(model: DiffusionTransformer, blocks: int) -> Velocities:
    with torch.device("meta"):
        wide = DiffusionTransformer(model.config)
    weights = {name: tensor.float() for name, tensor in model.state_dict().items()}
    wide.load_state_dict(weights, strict=True, assign=True)
    torch.backends.cudnn.allow_tf32 = False
    velocities = our_velocities(wide, GEOMETRY, blocks)
    torch.backends.cudnn.allow_tf32 = True
    del wide, weights
    forget_peak()
    return velocities


def _mean_error(found: Velocities, expected: Velocities) -> float:
    errors = [relative_error(found[place], expected[place]) for place in expected]
    return float(f"{sum(errors) / len(errors):.3e}")
