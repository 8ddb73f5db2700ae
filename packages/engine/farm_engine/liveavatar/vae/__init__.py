"""The Wan 2.1 video autoencoder, streamed: video frames to latents and back, a few frames at a time."""
