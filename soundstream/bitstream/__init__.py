"""Bytes and integers: packets, entropy coding, the .sst container. Knows nothing of models."""
