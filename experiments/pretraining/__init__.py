"""Networks, and how they come to their weights before a transfer."""
