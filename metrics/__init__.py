"""Functions of signals: scores, alignment, artefacts, and intervals of their means."""
