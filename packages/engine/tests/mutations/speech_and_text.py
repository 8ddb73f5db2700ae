"""Speech and prompt, from files to what the transformer is conditioned on."""

from tests.mutations.mutation import mutations_of

SPEECH_AND_TEXT = [
    *mutations_of(
        "liveavatar/engine.py",
        ("the margin before the speech is ignored", "margin_before=request.speech.margin_before,", "margin_before=0,"),
        (
            "the margin after the speech is spoken",
            "sample_count=request.speech.sample_count,",
            "sample_count=len(samples) - request.speech.margin_before,",
        ),
        tests=("test_data_path.py", "test_engine.py"),
    ),
    *mutations_of(
        "liveavatar/encoders/speech.py",
        ("the video hears 24 features a second", "(12 * frames", "(10 * frames"),
        ("frames are rounded down to a feature", "+ 5) // 10", "+ 0) // 10"),
        (
            "every state is the last one",
            "states = (*output.hidden_states[:-1],",
            "states = (*output.hidden_states[1:],",
        ),
        ("the last state lacks its norm", "output.last_hidden_state)", "output.hidden_states[-1])"),
        ("features between two are the earlier one", "self._gather(upper) * weight", "self._gather(lower) * weight"),
        ("loudness is not normalized", "(samples - samples.mean()) / torch.sqrt", "samples + 0 * torch.sqrt"),
        (
            "a window's margin is taken for its speech",
            "[:, margin_before : margin_before + last - first]",
            "[:, : last - first]",
        ),
        (
            "a window starts too early",
            "start = self._margin_before + (first - margin_before)",
            "start = self._margin_before + (first - margin_before - 10)",
        ),
        (
            "later windows repeat the first",
            "first = core * CORE_FEATURES",
            "first = 0 * CORE_FEATURES",
        ),
        tests=("encoders/test_speech.py", "encoders/test_speech_timing.py"),
    ),
    *mutations_of(
        "liveavatar/serving/renderer.py",
        ("every clip says what the first one says", "self._features.frames(first,", "self._features.frames(0,"),
        (
            "the mouth is a block late",
            "self._features.frames(first,",
            "self._features.frames(first + FRAMES_PER_BLOCK,",
        ),
        (
            "a resumed render is cut as from the start",
            "slice(max(0, self._request.first_frame - block.first_frame)",
            "slice(0 * max(0, self._request.first_frame - block.first_frame)",
        ),
        ("a frame too many is written", "self._end = request.first_frame +", "self._end = 1 + request.first_frame +"),
        (
            "a border state belongs to the frame before its piece",
            "piece.first_frame + piece.frame_count for",
            "piece.first_frame + piece.frame_count - FRAMES_PER_BLOCK for",
        ),
        tests=("test_data_path.py", "test_engine.py", "serving/test_chain.py"),
    ),
    *mutations_of(
        "liveavatar/encoders/text.py",
        ("a cut prompt loses its end token", "[*ids[: self._max_tokens - 1], ids[-1]]", "ids[: self._max_tokens]"),
        (
            "a cut prompt keeps its end, not its start",
            "[*ids[: self._max_tokens - 1], ids[-1]]",
            "ids[-self._max_tokens :]",
        ),
        ("the prompt is not cleaned", "encode(clean_prompt(prompt))", "encode(prompt)"),
        ("the prompt is read backwards", "torch.tensor([kept])", "torch.tensor([kept[::-1]])"),
        (
            "near and far words are told apart less",
            "relative_attention_num_buckets=32",
            "relative_attention_num_buckets=16",
        ),
        ("far words all look the same", "relative_attention_max_distance=128", "relative_attention_max_distance=64"),
        ("the feed-forward has no gate", 'feed_forward_proj="gated-gelu"', 'feed_forward_proj="gated-silu"'),
        tests=("encoders/test_text.py",),
    ),
]
