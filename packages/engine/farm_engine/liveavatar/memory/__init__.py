"""Memory plans: where layers and caches rest, and what moves them to the device."""
