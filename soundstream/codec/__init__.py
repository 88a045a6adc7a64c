"""Audio in and .sst out, and back: files, packets, and what is heard where packets are missing."""
