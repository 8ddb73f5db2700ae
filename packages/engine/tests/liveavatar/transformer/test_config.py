"""Facts of the published configuration that no shape of a parameter shows."""

from __future__ import annotations

from farm_engine.liveavatar.transformer import config
from farm_engine.liveavatar.transformer.config import LIVE_AVATAR_14B


def test_the_14b_model_is_used_as_published():
    assert LIVE_AVATAR_14B.audio_inject_layers == (0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39)
    assert LIVE_AVATAR_14B.text_len == 512
    assert LIVE_AVATAR_14B.eps == 1e-6
    assert LIVE_AVATAR_14B.head_dim == 128
    assert 1 + 4 * (config.MOTION_LATENTS - 1) == config.AUDIO_LEAD_FRAMES == 73
    assert (config.FRAMES_PER_BLOCK, config.FRAMES_PER_CLIP) == (12, 48)
