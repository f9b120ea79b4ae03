"""measures/sequences."""
