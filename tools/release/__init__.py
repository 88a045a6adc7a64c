"""Programs that make a released model from a run."""
