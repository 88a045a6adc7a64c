"""Programs that time the codec and its training."""
