"""Record figures from the published implementation, to compare this one with. See golden/README.md.

python record_golden.py CHECKOUT   (a checkout of Alibaba-Quark/LiveAvatar; needs librosa, easydict, ftfy, regex)
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import types
import wave
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from farm_engine.liveavatar.checkpoints.random_weights import fill_with_random_weights, random_tensor
from farm_engine.liveavatar.encoders import speech, text
from farm_engine.liveavatar.vae import config as vae_config

GOLDEN = Path(__file__).with_name("golden")
RECORDED_HIDDEN_STATES = slice(0, None, 6)


def published_module(checkout: Path, name: str) -> types.ModuleType:
    """Import one file of the published modules without the package around it, whose imports need CUDA."""
    path = checkout / "liveavatar/models/wan/wan_2_2/modules" / name
    package = types.ModuleType(f"published_{path.stem}")
    package.__path__ = [str(path.parent)]
    sys.modules[package.__name__] = package
    return importlib.import_module(f"{package.__name__}.{path.stem}")


def record_vae(checkout: Path) -> dict[str, Tensor]:
    module = published_module(checkout, "vae2_1")
    vae = module.WanVAE_(dim=vae_config.TINY.channels, z_dim=16, temperal_downsample=[False, True, True]).eval()
    fill_with_random_weights(vae)
    scale = [torch.tensor(vae_config.LATENT_MEAN), 1.0 / torch.tensor(vae_config.LATENT_STANDARD_DEVIATION)]
    levels = ((random_tensor("golden.video", (3, 9, 32, 32)) / 3**0.5 + 1) * 127.5).round().clamp(0, 255)
    video = levels / 127.5 - 1
    latents = random_tensor("golden.latents", (1, 16, 4, 4, 4)) * 16
    with torch.no_grad():
        encoded = vae.encode(video[None], scale)[0]
        decoded = vae.decode(latents, scale)[0].clamp(-1, 1)
    return {"video": levels.to(torch.uint8), "encoded": encoded, "latents": latents[0], "decoded": decoded}


def record_text(checkout: Path) -> dict[str, Tensor]:
    torch.cuda.current_device = lambda: 0  # a default argument there asks for it at import
    sizes = text.TINY
    model = published_module(checkout, "t5").umt5_xxl(
        encoder_only=True,
        vocab_size=sizes["vocab_size"],
        dim=sizes["d_model"],
        dim_attn=sizes["d_kv"] * sizes["num_heads"],
        dim_ffn=sizes["d_ff"],
        num_heads=sizes["num_heads"],
        encoder_layers=sizes["num_layers"],
    )
    fill_with_random_weights(model.eval())
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, sizes["vocab_size"], 150))
    padded, mask = torch.zeros(1, 512, dtype=torch.long), torch.zeros(1, 512)
    padded[0, : len(ids)], mask[0, : len(ids)] = ids, 1
    with torch.no_grad():
        return {"ids": ids.to(torch.int32), "embedding": model(padded, mask)[0, : len(ids)]}


def record_speech(checkout: Path) -> dict[str, Tensor]:
    samples = synthetic_speech(seconds=1.9)
    config = speech.published_config(speech.TINY)
    with tempfile.TemporaryDirectory() as folder:
        model = Wav2Vec2ForCTC(Wav2Vec2Config.from_dict({**config, "layerdrop": 0.0}))
        fill_with_random_weights(model)
        model.save_pretrained(folder)
        processor = {"do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000}
        Path(folder, "preprocessor_config.json").write_text(json.dumps(processor))
        Path(folder, "vocab.json").write_text(json.dumps({"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}))
        with wave.open(f"{folder}/speech.wav", "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
        encoder = published_module(checkout, "s2v/audio_encoder").AudioEncoder(model_id=folder)
        encoder.model.eval()
        with torch.no_grad():
            features = encoder.extract_audio_feat(f"{folder}/speech.wav", return_all_layers=True)
            buckets, _ = encoder.get_audio_embed_bucket_fps(features, fps=25, batch_frames=48, m=0)
    recorded = buckets.permute(1, 2, 0)[RECORDED_HIDDEN_STATES].contiguous()
    return {"samples": torch.from_numpy(samples), "features": recorded}


def synthetic_speech(*, seconds: float) -> np.ndarray:
    """int16: a gliding tone with noise, in syllables."""
    time = np.arange(int(seconds * 16000)) / 16000
    tone = np.sin(2 * np.pi * (140 * time + 20 * np.sin(3 * time))) * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    noise = np.random.default_rng(2).standard_normal(len(time)) * 0.01
    return ((tone * 0.4 + noise) * 32767).astype("<i2")


def main() -> None:
    checkout = Path(sys.argv[1])
    for name, record in (("vae", record_vae), ("text", record_text), ("speech", record_speech)):
        save_file(
            {key: tensor.contiguous() for key, tensor in record(checkout).items()}, GOLDEN / f"{name}.safetensors"
        )


if __name__ == "__main__":
    main()
