"""What bits, levels and bitrates have to do with each other, for models and for their makers."""


def bits_per_code(codebook_size: int) -> int:
    """Tells how wide a packed code is.

    Args:
      codebook_size: how many codes there are.

    Returns:
      Bits.
    """
    return (codebook_size - 1).bit_length()


def num_quantizers_for(bitrate_bps: int, level_bps: float, num_quantizers: int) -> int:
    """Finds the levels that send exactly a bitrate.

    Args:
      bitrate_bps: bits per second.
      level_bps: bits per second of each level.
      num_quantizers: levels there are.

    Returns:
      How many levels.

    Raises:
      ValueError: none do; it says what is possible.
    """
    levels = bitrate_bps / level_bps
    if levels != int(levels) or not 1 <= levels <= num_quantizers:
        raise ValueError(
            f"bitrate {bitrate_bps} bps is not possible: use a multiple of {level_bps:g} bps from "
            f"{level_bps:g} to {level_bps * num_quantizers:g}"
        )
    return int(levels)
