"""The draft engine: animates a portrait from its speech on the CPU, for timing, framing, cuts and mood."""
