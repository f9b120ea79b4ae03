"""measures/autodiff."""
