"""Learns entropy tables from the codes of training audio.

Each level tries several numbers of contexts. A context is a group of codes after which (or under
which) the next code is spread alike. What codes held-out clips in the fewest bits is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from soundstream.bitstream.entropy_tables import EntropyTables, LevelTable
from soundstream.bitstream.range_coder import TOTAL

# Groups of past codes and of codes above that a level may have.
_CANDIDATES = ((1, 1), (1, 4), (1, 16), (4, 1), (16, 1), (4, 4), (16, 4), (4, 16), (16, 16))
_PRIOR_COUNT = 50.0  # observations that the level's own histogram counts for in each context
_HELD_OUT = 10  # every tenth clip decides between candidates
_GROUPING_ROUNDS = 15  # few codes change their group after ten


def learn_tables(
    clips: Sequence[np.ndarray], codebook_size: int, max_level_bytes: int = 32_768
) -> EntropyTables:
    """Learns the tables of all levels.

    Args:
      clips: integer codes [frames, levels] of each recording; ten or more.
      codebook_size: of every level.
      max_level_bytes: largest size of one level's frequencies.

    Raises:
      ValueError: there are too few clips.
    """
    if len(clips) < _HELD_OUT:
        raise ValueError(f"{_HELD_OUT} clips are needed to learn entropy tables, got {len(clips)}")
    held_out = clips[::_HELD_OUT]
    fitting = [clip for index, clip in enumerate(clips) if index % _HELD_OUT]
    levels = []
    for level in range(clips[0].shape[1]):
        costs = {}
        for groups in _CANDIDATES:
            if _num_rows(*groups) * 2 * codebook_size > max_level_bytes and groups != (1, 1):
                continue
            if level or groups[1] == 1:
                table = _fit(fitting, level, codebook_size, *groups)
                costs[groups] = sum(ideal_bits(table, clip, level).sum() for clip in held_out)
        levels.append(_fit(clips, level, codebook_size, *min(costs, key=costs.__getitem__)))
    return EntropyTables(tuple(levels))


def ideal_bits(table: LevelTable, clip: np.ndarray, level: int) -> np.ndarray:
    """Bits that each code [frames] of one level costs in a clip of codes [frames, levels]."""
    code, past, depth = clip[:, level], np.zeros(len(clip), np.int64), 0
    past[1:] = table.past_context[code[:-1]]
    if level:
        depth = table.depth_context[clip[:, level - 1]]
    return -np.log2(table.frequencies[past, depth, code] / TOTAL)


def _num_rows(past_groups: int, depth_groups: int) -> int:
    """Rows of frequencies; where the past is looked at, "no past" is a context of its own."""
    return (past_groups + (past_groups > 1)) * depth_groups


def _fit(
    clips: Sequence[np.ndarray], level: int, size: int, past_groups: int, depth_groups: int
) -> LevelTable:
    code = np.concatenate([clip[:, level] for clip in clips])
    above = np.concatenate([clip[:, max(level - 1, 0)] for clip in clips])
    before = np.concatenate([clip[:-1, level] for clip in clips])
    after = np.concatenate([clip[1:, level] for clip in clips])
    after_above = np.concatenate([clip[1:, max(level - 1, 0)] for clip in clips])

    depth_context = _group(above, code, size, depth_groups)
    past_context = np.zeros(size, np.uint8)
    num_past = 1
    if past_groups > 1:
        past_context = _group(before, after, size, past_groups) + np.uint8(1)
        num_past += past_groups
    counts = np.zeros((num_past, depth_groups, size))
    np.add.at(counts, (0, depth_context[above], code), 1)
    if past_groups > 1:
        np.add.at(counts, (past_context[before], depth_context[after_above], after), 1)
    histogram = np.bincount(code, minlength=size) + 0.5
    counts += _PRIOR_COUNT * histogram / histogram.sum()
    return LevelTable(past_context, depth_context, _quantized(counts))


def _group(context: np.ndarray, code: np.ndarray, size: int, num_groups: int) -> np.ndarray:
    """Groups the values of `context` by the distribution of `code`: uint8 [size].

    K-means with the code length as distance: each value joins the group whose distribution codes
    what was seen with it in the fewest bits.
    """
    counts = np.zeros((size, size))
    np.add.at(counts, (context, code), 1)
    overall = counts.sum(axis=0) + 0.5
    overall *= _PRIOR_COUNT / overall.sum()
    groups = np.random.default_rng(0).integers(0, num_groups, size)
    for _ in range(_GROUPING_ROUNDS if num_groups > 1 else 0):
        sums = np.stack([counts[groups == group].sum(axis=0) for group in range(num_groups)])
        sums += overall
        lengths = -np.log2(sums / sums.sum(axis=1, keepdims=True))
        groups = np.argmin(counts @ lengths.T, axis=1)
    return groups.astype(np.uint8)


def _quantized(counts: np.ndarray) -> np.ndarray:
    """Rows in proportion to `counts`, as uint16 that are at least 1 and sum to 2^15."""
    size = counts.shape[-1]
    exact = counts / counts.sum(axis=-1, keepdims=True) * (TOTAL - size)
    rows = np.floor(exact).astype(np.int64)
    left = TOTAL - size - rows.sum(axis=-1, keepdims=True)
    rank = np.argsort(np.argsort(rows - exact, axis=-1, kind="stable"), axis=-1, kind="stable")
    return (rows + 1 + (rank < left)).astype(np.uint16)
