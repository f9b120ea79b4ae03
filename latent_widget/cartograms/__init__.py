"""cartograms."""
