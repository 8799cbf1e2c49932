"""How fast simulator, reference and firmware are, against what there is to compare with."""
