"""What bits, levels and bitrates have to do with each other, for models and for their makers."""


def bits_per_code(codebook_size: int) -> int:
    """Width of a packed code."""
    return (codebook_size - 1).bit_length()


def num_quantizers_for(bitrate_bps: int, level_bps: float, num_quantizers: int) -> int:
    """Levels that send exactly `bitrate_bps`; ValueError says what is possible.

    Args:
      level_bps: what each level sends.
      num_quantizers: levels there are.
    """
    levels = bitrate_bps / level_bps
    if levels != int(levels) or not 1 <= levels <= num_quantizers:
        raise ValueError(
            f"bitrate {bitrate_bps} bps is not possible: use a multiple of {level_bps:g} bps from "
            f"{level_bps:g} to {level_bps * num_quantizers:g}"
        )
    return int(levels)
