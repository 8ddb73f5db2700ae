"""The diffusion transformer: its layers, what it asks of a memory plan, and its compilation."""
