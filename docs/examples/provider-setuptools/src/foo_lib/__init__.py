"""libfoo, for whoever loads it by name."""
