"""What turns a prompt, speech and a portrait into the tensors that condition the transformer."""
