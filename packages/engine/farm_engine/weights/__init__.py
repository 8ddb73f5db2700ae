"""Fetch and verify the published weights. See docs/weights.md."""
