"""One training run: its configuration, what it reads, and its record."""
