"""Fetch and verify the published weights. See docs/models.md."""
