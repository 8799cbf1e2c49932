"""What a run tells: profiles, call graphs, memory, and what changed between two."""
