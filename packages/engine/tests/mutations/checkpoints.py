"""Weights on their way from files to the model, and the sizes of the published model."""

from tests.mutations.mutation import mutations_of

CHECKPOINTS = [
    *mutations_of(
        "liveavatar/checkpoints/lora.py",
        ("the LoRA has twice its strength", "ALPHA = 64", "ALPHA = 128"),
        ("the LoRA is subtracted", "alpha=ALPHA / down.shape[0]", "alpha=-ALPHA / down.shape[0]"),
        ("the LoRA's strength ignores its rank", "alpha=ALPHA / down.shape[0]", "alpha=ALPHA / 128"),
        (
            "the LoRA leaves the text attention out",
            "factors = self._factors.get(name)",
            'factors = None if "cross_attn" in name else self._factors.get(name)',
        ),
        (
            "the LoRA leaves the last layer out",
            "factors = self._factors.get(name)",
            'factors = None if name.startswith("blocks.3.") else self._factors.get(name)',
        ),
        tests=("checkpoints/test_models.py", "checkpoints/test_lora.py"),
    ),
    *mutations_of(
        "liveavatar/transformer/config.py",
        (
            "speech enters the published model after another layer",
            "(0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39)",
            "(0, 4, 8, 12, 16, 20, 24, 28, 30, 33, 36, 39)",
        ),
        ("the published model reads half the prompt", "text_len=512", "text_len=256"),
        ("an epsilon is wrong", "eps: float = 1e-6", "eps: float = 1e-5"),
        ("a block hears a frame too much of its past", "AUDIO_LEAD_FRAMES = 73", "AUDIO_LEAD_FRAMES = 72"),
        tests=("transformer/test_config.py", "transformer/test_parity.py"),
    ),
    *mutations_of(
        "liveavatar/engine.py",
        ("a GPU computes in float16", "torch.bfloat16 if self._device", "torch.float16 if self._device"),
        ("a GPU computes in float32", "torch.bfloat16 if self._device", "torch.float32 if self._device"),
        ("int8 is accepted and rendered in bf16", '("auto", "bf16")', '("auto", "bf16", "int8")'),
        tests=("test_precision.py", "test_engine.py"),
    ),
]
