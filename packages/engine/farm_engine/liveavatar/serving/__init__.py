"""What the resident engine does around the model: device, failures, online decoding, saved border states."""
