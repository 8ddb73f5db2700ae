"""Memory plans: where layers and caches are kept, and what moves them to the device."""
