"""measures/statistical_distances."""
