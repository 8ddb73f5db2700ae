"""The transformer: conditions, positions, caches and speech."""

from tests.mutations.mutation import mutations_of

TRANSFORMER = [
    *mutations_of(
        "liveavatar/transformer/model.py",
        (
            "motion comes before the reference",
            "torch.cat([reference_tokens, motion_tokens])",
            "torch.cat([motion_tokens, reference_tokens])",
        ),
        (
            "reference and motion are marked as each other",
            "VIDEO, REFERENCE, MOTION = 0, 1, 2",
            "VIDEO, REFERENCE, MOTION = 0, 2, 1",
        ),
        (
            "conditions have the video's timestep",
            "clean = self.time_modulation(0).layers",
            "clean = self.time_modulation(1000).layers",
        ),
        ("the missing pose leaves nothing", "self.cond_encoder.bias + self.trainable", "self.trainable"),
        ("text padding is not attended to", "(0, 0, 0, self.config.text_len - text.shape[0])", "(0, 0, 0, 0)"),
        ("patches have rows and columns swapped", "permute(5, 0, 1, 3, 2, 4)", "permute(5, 0, 1, 4, 2, 3)"),
        (
            "sine and cosine of the time change places",
            "torch.cat([angles.cos(), angles.sin()])",
            "torch.cat([angles.sin(), angles.cos()])",
        ),
        (
            "speech is injected before the layer",
            "self.config.audio_inject_layers, self.audio",
            "[i - 1 for i in self.config.audio_inject_layers], self.audio",
        ),
        (
            "injections change places",
            "self.audio_injector.stages, strict=True",
            "self.audio_injector.stages[::-1], strict=True",
        ),
        tests=("transformer/test_parity.py", "sampling/test_parity.py"),
    ),
    *mutations_of(
        "liveavatar/memory/paired_rings.py",
        ("a first step's block is written to the next slot", "1 - number) * size", "1 - (number + 1) % 4) * size"),
        ("a second step's block is written to the next slot", "+ number * size", "+ (number + 1) % 4 * size"),
        ("the ring holds three blocks", "ring = filled *", "ring = min(filled, 3) *"),
        ("a second step sees the first one's ring", "if which == 0 else 0", ""),
        ("a second step writes into the first one's ring", "        if which == 0:\n", "        if True:\n"),
        ("the reference stays where it was first seen", "self.pair.rotate_reference(at)", "pass"),
        tests=("transformer/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/transformer/framepack.py",
        (
            "motion buckets are newest last",
            "motion.split([16, 2, 1], dim=1)",
            "motion.flip(1).split([16, 2, 1], dim=1)",
        ),
        (
            "motion buckets change places",
            "[self.proj(newest), self.proj_2x(middle), self.proj_4x(oldest)]",
            "[self.proj_4x(oldest), self.proj_2x(middle), self.proj(newest)]",
        ),
        tests=("transformer/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/transformer/rotary.py",
        (
            "rows and columns have one another's angles",
            "range(geometry.grid_height), range(geometry.grid_width))\n\n\ndef reference",
            "range(geometry.grid_width), range(geometry.grid_height))\n\n\ndef reference",
        ),
        ("the reference stays at 30", "REFERENCE_POSITION + max(0,", "REFERENCE_POSITION + 0 * max(0,"),
        ("the reference is a latent further", "REFERENCE_POSITION = 30", "REFERENCE_POSITION = 31"),
        ("the oldest motion comes first in time", "[-19, -14, -9, -4]", "[-4, -9, -14, -19]"),
        ("factors are not rounded as published", "part.half().float()", "part.float()"),
        ("pairs turn the other way", "even * cosine - odd * sine", "even * cosine + odd * sine"),
        tests=("transformer/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/transformer/audio_injection.py",
        ("a block's speech begins with silence", "features[..., :1].expand(", "(0 * features[..., :1]).expand("),
        ("a block hears its lead, not itself", "part[-LATENTS_PER_BLOCK:]", "part[:LATENTS_PER_BLOCK]"),
        (
            "layers of the speech are not weighed",
            "features * weights).float() / weights.float().sum(0)",
            "features).float() / weights.shape[0]",
        ),
        (
            "every latent frame hears the first",
            "self.attention.key_value(audio.tokens)",
            "self.attention.key_value(audio.tokens[:1].expand(3, -1, -1))",
        ),
        (
            "shift and scale change places",
            "shift, scale = self.linear(F.silu(summary))",
            "scale, shift = self.linear(F.silu(summary))",
        ),
        ("the speech encoder sees the future", "F.pad(x, (2, 0), mode", "F.pad(x, (1, 1), mode"),
        ("the padding token is left out", "torch.cat([local, padding], dim=1)", "local"),
        tests=("transformer/test_parity.py", "sampling/test_rollout.py"),
    ),
]
