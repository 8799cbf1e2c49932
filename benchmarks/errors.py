"""Errors that leave a benchmark without figures."""


class BenchmarkError(RuntimeError):
    """Figures are void: what is compared came to different results, or did not come to any."""
