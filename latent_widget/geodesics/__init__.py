"""geodesics."""
