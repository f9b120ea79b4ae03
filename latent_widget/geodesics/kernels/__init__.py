"""geodesics/kernels."""
