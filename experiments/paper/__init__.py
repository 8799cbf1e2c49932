"""The tables and figures of the paper: which runs they need, and what is made of them."""
