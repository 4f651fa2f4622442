"""The demonstration: the main job against the simulated venue, as real processes, watched, broken and checked."""
