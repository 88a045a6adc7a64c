"""Decoders of audio files: libsndfile where headers can be trusted, FFmpeg elsewhere."""
