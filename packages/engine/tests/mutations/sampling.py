"""From a request to clean latents: what is drawn, the steps, the clips and what continues them."""

from tests.mutations.mutation import mutations_of

SAMPLING = [
    *mutations_of(
        "liveavatar/engine.py",
        ("every video has the same seed", "seed=request.seed,", "seed=0,"),
        ("every video has four steps", "steps=request.settings.steps", "steps=4"),
        tests=("test_data_path.py", "test_engine.py"),
    ),
    *mutations_of(
        "liveavatar/engine.py",
        (
            "another face continues the chain",
            "portrait_key(request),",
            "",
        ),
        ("another speech continues the chain", "hashlib.sha256(samples.tobytes()).digest(),", ""),
        (
            "another place in the speech continues the chain",
            "        request.speech.margin_before,\n        request.speech.sample_count,",
            "",
        ),
        ("another prompt continues the chain", "        request.prompt,\n", ""),
        ("another seed continues the chain", "        request.seed,\n", ""),
        ("another number of steps continues the chain", "        request.settings,\n", ""),
        ("another frame continues the chain", " and kept[1].next_frame == request.first_frame", ""),
        (
            "random weights are not marked",
            "watermark=watermark_random_weights if",
            "watermark=(lambda frames: frames) if",
        ),
        ("real weights are marked as random", "else lambda frames: frames", "else watermark_random_weights"),
        tests=("test_kept_chain.py", "test_data_path.py", "serving/test_watermark.py", "test_engine.py"),
    ),
    *mutations_of(
        "liveavatar/sampling/schedule.py",
        ("the shift is 5", "SHIFT = 3.0", "SHIFT = 5.0"),
        (
            "the shift is applied once",
            "np.float32(_shift(np.float32(1 / TRAIN_TIMESTEPS)))",
            "np.float32(1 / TRAIN_TIMESTEPS)",
        ),
        (
            "steps run from clean to noise",
            "np.linspace(1.0, float(last), steps)",
            "np.linspace(float(last), 1.0, steps)",
        ),
        ("a step goes away from the picture", "+ distance * velocity", "- distance * velocity"),
        (
            "a step is as long as the one after",
            "self.sigmas[step + 1]) - np",
            "self.sigmas[min(step + 2, self.steps)]) - np",
        ),
        tests=("sampling/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/sampling/randomness.py",
        ("every clip has the same noise", 'self._hash("noise", clip)', 'self._hash("noise", 0)'),
        ("every seed has the same noise", 'self._hash("noise", clip)', 'hash(("noise", clip)) % 2**32'),
        ("noise is uniform", "torch.randn(shape", "torch.rand(shape"),
        (
            "every step has the same offset",
            '"reference-offset", clip, block, step)',
            '"reference-offset", clip, block)',
        ),
        (
            "every block has the same offset",
            '"reference-offset", clip, block, step)',
            '"reference-offset", clip, step)',
        ),
        (
            "every clip has the same offsets",
            '"reference-offset", clip, block, step)',
            '"reference-offset", block, step)',
        ),
        ("the offset is never 30", "- MIN_REFERENCE_OFFSET + 1", "- MIN_REFERENCE_OFFSET"),
        ("the seed draws no offset", "(self.seed, *place)", "(self.seed if place[0] == 'noise' else 0, *place)"),
        tests=("sampling/test_randomness.py", "sampling/test_rollout.py"),
    ),
    *mutations_of(
        "liveavatar/sampling/rollout.py",
        (
            "the anchor is the first block's last latent",
            "anchor=latents[:, :1].clone()",
            "anchor=latents[:, -1:].clone()",
        ),
        (
            "the anchor is of the last block",
            "len(inputs) == 1 and self.settings.anchor",
            "len(inputs) == 4 and self.settings.anchor",
        ),
        (
            "blocks have one another's speech",
            "enumerate(audio.split(FRAMES_PER_BLOCK, dim=2))",
            "enumerate(audio.flip(2).split(FRAMES_PER_BLOCK, dim=2))",
        ),
        tests=("sampling/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/sampling/rollout.py",
        (
            "a rebuild replays another block's speech",
            "rollout._blocks(clip.clip, clip.audio)",
            "rollout._blocks(clip.clip, clip.audio.flip(2))",
        ),
        (
            "a rebuild attends to slots that hold nothing",
            "first - self._ring_start * BLOCKS_PER_CLIP",
            "first",
        ),
        ("a rebuild forgets what it was rebuilt from", "rollout._history.extend(state.history)", "pass"),
        (
            "a rebuild replays with the next clip's reference",
            "rollout._prefill(clip.clip)",
            "rollout._prefill(clip.clip + 1)",
        ),
        ("a state records one clip only", "deque(maxlen=settings.history_clips)", "deque(maxlen=1)"),
        tests=("sampling/test_border_state.py", "sampling/test_rebuild.py"),
    ),
    *mutations_of(
        "liveavatar/sampling/border_state.py",
        (
            "a state holds the step inputs backwards",
            "torch.stack(list(steps)) for",
            "torch.stack(list(steps)[::-1]) for",
        ),
        ("a state loses its anchor", '"anchor": self.conditions.anchor,', '"anchor": None,'),
        tests=("sampling/test_border_state.py",),
    ),
    *mutations_of(
        "liveavatar/conditions/conditions.py",
        (
            "the portrait stays the reference",
            "return self.reference if clip == 0 or",
            "return self.reference if True or",
        ),
        tests=("sampling/test_parity.py",),
    ),
    *mutations_of(
        "liveavatar/sampling/sampler.py",
        (
            "a block's place starts again with each clip",
            "block.number * LATENTS_PER_BLOCK",
            "index * LATENTS_PER_BLOCK",
        ),
        ("a step uses the one before's time", "time=self._times[step]", "time=self._times[step - 1]"),
        (
            "all steps share the first one's offset",
            "reference_offset(clip, index, step)",
            "reference_offset(clip, index, 0)",
        ),
        tests=("sampling/test_parity.py",),
    ),
]
