"""cartograms/quads."""
