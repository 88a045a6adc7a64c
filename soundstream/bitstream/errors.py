"""The one exception of the bitstream."""


class BitstreamError(ValueError):
    """Bytes that are not a valid stream; the message says what exactly is wrong with them."""
