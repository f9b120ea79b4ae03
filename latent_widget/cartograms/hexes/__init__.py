"""cartograms/hexes."""
