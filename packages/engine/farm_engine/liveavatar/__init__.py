"""The `liveavatar` engine: the 14-billion-parameter Live Avatar model in PyTorch (see docs/liveavatar.md)."""
