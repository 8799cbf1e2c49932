"""How fast simulator, reference and firmware are, against what there is to compare with."""

import os

# Before NumPy is loaded: everything is measured in one thread. OpenMP's threads are PyTorch's.
for library in ("OPENBLAS", "OMP"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
