"""Compact checkpoints of the first form, which number arrays instead of naming them.

`codec/000`, `codec/001`, ... count the weights of a net along the signal, each kernel before its
bias. That order is stated here and depends on names alone, not on where attributes stand in the
code. Whoever reads such a file compares the number of arrays here, and each shape afterwards.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

# Only what stands side by side is compared, so one list serves all levels of a path.
_ORDER = (
    "first", "block", "last",
    "band_gains", "encoder", "modulation", "decoder", "quantizer", "denoiser", "decoder_film",
    "net", "conv", "body", "dilated", "pointwise", "kernel", "bias", "codebooks", "gamma", "beta",
    "wave", "stft", "ms_stft", "counts", "sums",
)  # fmt: skip
_BLOCK = re.compile(r"(?:block_(\d+)_)?(?:unit_(\d+)|down|up)")
_MEMBER = re.compile(r"(wave|ms_stft)_\d+")  # one of several of a kind
_LAYER = re.compile(r"conv_(\d+)")


def is_numbered(arrays: Iterable[str]) -> bool:
    """Whether the arrays of a compact checkpoint are in this form."""
    return "codec/000" in arrays


def named(
    arrays: Mapping[str, np.ndarray], group: str, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """The arrays of one group under the names of the weights that they are.

    Args:
      arrays: of a checkpoint in this form.
      group: `codec`, `average`, `discriminators` or `codebooks`.
      names: of its weights, in any order, but for that of discriminators of one kind: it is theirs
        in the file.

    Raises:
      ValueError: another number of arrays than of names, or a weight that no such file knows.
    """
    numbered = sorted(key for key in arrays if key.startswith(f"{group}/"))
    names = list(names)
    members = list(dict.fromkeys(name.split("/")[0] for name in names))
    in_order = sorted(names, key=lambda name: _place(name, members))
    if len(numbered) != len(in_order):
        raise ValueError(f"{len(numbered)} arrays {group}/000 ..., {len(in_order)} weights")
    return {name: arrays[key] for name, key in zip(in_order, numbered, strict=True)}


def _place(name: str, members: list[str]) -> list[tuple[int, int, float]]:
    """Sort key of a weight's path."""
    # Blocks of the decoder are the encoder's, backwards.
    direction = -1 if name.startswith("decoder/") else 1
    first, *rest = name.split("/")
    kind = _MEMBER.fullmatch(first)
    group = (_known(kind[1] if kind else first, name), members.index(first), 0.0)
    return [group, *(_rank(part, direction, name) for part in rest)]


def _rank(part: str, direction: int, name: str) -> tuple[int, int, float]:
    if block := _BLOCK.fullmatch(part):
        number, unit = (int(digits or 0) for digits in block.groups())
        if part.endswith("down"):
            return _ORDER.index("block"), number, float("inf")
        return _ORDER.index("block"), direction * number, -1 if part.endswith("up") else unit
    if layer := _LAYER.fullmatch(part):
        return _ORDER.index("conv"), int(layer[1]), 0
    return _known(part, name), 0, 0


def _known(part: str, name: str) -> int:
    if part not in _ORDER:
        raise ValueError(f"no file with numbered arrays holds {name}")
    return _ORDER.index(part)
