"""The engine for large networks: layers as exact matrix products, over one image or a batch."""
