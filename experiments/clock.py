"""The RP2040's clock."""

RATED_MHZ = 133
"""The fastest that it is rated for (RP2040 datasheet 1.1), and the default of every command."""
RATED_HZ = RATED_MHZ * 10**6
