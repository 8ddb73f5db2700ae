"""Sizes of the model and of a video, as in arXiv 2512.04677 and its published checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

LATENTS_PER_BLOCK = 3
BLOCKS_PER_CLIP = 4
LATENTS_PER_CLIP = LATENTS_PER_BLOCK * BLOCKS_PER_CLIP
FRAMES_PER_LATENT = 4
FRAMES_PER_BLOCK = LATENTS_PER_BLOCK * FRAMES_PER_LATENT
FRAMES_PER_CLIP = LATENTS_PER_CLIP * FRAMES_PER_LATENT

MOTION_LATENTS = 19
"""Motion history in latent frames (73 video frames): the sum of the framepack buckets 1, 2 and 16."""

AUDIO_LEAD_FRAMES = 73
"""How often a block's first audio frame is repeated in front of it, as in the published pipeline."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of the diffusion transformer.

    `dim` must be `num_heads` heads of 128: the rotary factors split a head's 64 pairs into 22, 21 and 21
    for time, height and width.
    """

    dim: int
    ffn_dim: int
    num_heads: int
    num_layers: int
    audio_inject_layers: tuple[int, ...]
    text_dim: int
    text_len: int
    audio_dim: int
    audio_layers: int = 25
    audio_tokens: int = 4
    frequency_dim: int = 256
    latent_channels: int = 16
    eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.dim != self.num_heads * 128:
            raise ValueError(
                f"dim {self.dim} is not num_heads {self.num_heads} times 128: choose dim = 128 * num_heads"
            )
        outside = [layer for layer in self.audio_inject_layers if not 0 <= layer < self.num_layers]
        if outside:
            raise ValueError(f"audio_inject_layers {outside} are outside the {self.num_layers} layers")

    @property
    def head_dim(self) -> int:
        return self.dim // self.num_heads


LIVE_AVATAR_14B = ModelConfig(
    dim=5120,
    ffn_dim=13824,
    num_heads=40,
    num_layers=40,
    audio_inject_layers=(0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39),
    text_dim=4096,
    text_len=512,
    audio_dim=1024,
)

TINY = ModelConfig(
    dim=256,
    ffn_dim=512,
    num_heads=2,
    num_layers=4,
    audio_inject_layers=(0, 2, 3),
    text_dim=64,
    text_len=32,
    audio_dim=64,
)
"""The same code in seconds on a CPU; used by the tests with random weights."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Width and height of a video in pixels, and the grids that follow from them.

    Raises:
        ValueError: a side is not a positive multiple of 64 (8 for the VAE times 8 for the coarsest motion patch).
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side <= 0 or side % 64:
                raise ValueError(
                    f"{name} {side} is not a positive multiple of 64: round it to {max(64, round(side / 64) * 64)}"
                )

    @property
    def latent_height(self) -> int:
        return self.height // 8

    @property
    def latent_width(self) -> int:
        return self.width // 8

    @property
    def grid_height(self) -> int:
        """Rows of tokens in a latent frame."""
        return self.height // 16

    @property
    def grid_width(self) -> int:
        """Columns of tokens in a latent frame."""
        return self.width // 16

    @property
    def tokens_per_latent(self) -> int:
        return self.grid_height * self.grid_width

    @property
    def tokens_per_block(self) -> int:
        return LATENTS_PER_BLOCK * self.tokens_per_latent

    @property
    def ring_tokens(self) -> int:
        return LATENTS_PER_CLIP * self.tokens_per_latent

    @property
    def condition_tokens(self) -> int:
        """One reference frame, then motion at full, half and quarter grid: 1 + 1 + 1/4 + 4/16 frames of tokens."""
        return 5 * self.tokens_per_latent // 2
