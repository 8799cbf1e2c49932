"""Float32 in PyTorch: backbones trained the usual way, and how far a transfer could go."""
