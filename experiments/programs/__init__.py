"""Programs for the RP2040 that are not ours: what ``priot run`` writes of them."""
