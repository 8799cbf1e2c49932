"""Many training runs: their configurations, the machines that carry them, and their records."""
