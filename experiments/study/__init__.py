"""Does PRIOT win? One study over many backbones: screening, confirmation, mechanisms."""
