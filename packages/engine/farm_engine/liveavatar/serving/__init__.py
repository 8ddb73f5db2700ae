"""The resident engine around the model: device, failures, cached conditions, online decoding, border states."""
