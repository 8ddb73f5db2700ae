"""From noise to latents: schedule, randomness, the denoising loop, the rollout over clips and its border state."""
