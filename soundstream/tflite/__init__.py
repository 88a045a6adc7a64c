"""Exported graphs and their streams, by LiteRT and numpy."""
