"""Training on the simulated Pico: what lies where in its memory, and what a step costs."""
