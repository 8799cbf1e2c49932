"""``priot explain``: one page about one configuration: cycles, memory, source lines, energy."""
