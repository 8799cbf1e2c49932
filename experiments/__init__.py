"""Experiments: data, training, devices, costs, the paper's tables and figures, the command line."""
