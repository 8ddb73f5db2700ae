"""What a video is made from besides speech: the portrait and the prompt, encoded."""
