"""Finding a face in a portrait and framing the portrait for a video; both engines use it."""
