"""Where each file is in a folder that holds the published weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farm_engine.liveavatar.checkpoints.errors import WeightsMissingError

BASE_FOLDER = "Wan2.2-S2V-14B"
LORA_FOLDER = "LiveAvatar"


@dataclass(frozen=True)
class PublishedLayout:
    """Paths of the files that the engine reads. `folder` holds `Wan2.2-S2V-14B/` and `LiveAvatar/`."""

    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / BASE_FOLDER

    @property
    def transformer_config(self) -> Path:
        return self.base / "config.json"

    @property
    def transformer_index(self) -> Path:
        return self.base / "diffusion_pytorch_model.safetensors.index.json"

    @property
    def text(self) -> Path:
        return self.base / "models_t5_umt5-xxl-enc-bf16.pth"

    @property
    def tokenizer(self) -> Path:
        return self.base / "google" / "umt5-xxl" / "tokenizer.json"

    @property
    def vae(self) -> Path:
        return self.base / "Wan2.1_VAE.pth"

    @property
    def speech_config(self) -> Path:
        return self.base / "wav2vec2-large-xlsr-53-english" / "config.json"

    @property
    def speech(self) -> Path:
        return self.speech_config.with_name("model.safetensors")

    @property
    def lora(self) -> Path:
        return self.folder / LORA_FOLDER / "liveavatar.safetensors"

    def check_present(self) -> None:
        """Raises WeightsMissingError for the first file that is not there. Shards are checked when they are opened."""
        for path in (
            self.transformer_config,
            self.transformer_index,
            self.text,
            self.tokenizer,
            self.vae,
            self.speech_config,
            self.speech,
            self.lora,
        ):
            if not path.is_file():
                raise WeightsMissingError(path)
