"""Where model files come from: a manifest, a fetch that verifies, and the folder they lie in."""
