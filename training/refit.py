"""Codebooks refitted, when a run is released, to the search that ships.

While training, each level learns from what the levels before it leave (moving averages, greedy
search). What ships keeps several paths (`model/search.py`), so entries are chosen for their sum, as
in additive quantization (Babenko and Lempitsky, CVPR 2014). For such codes the best entries of all
levels solve one least-squares problem. Nothing else changes: files stay as large, search as fast.
"""

import numpy as np
import tensorflow as tf

from data.pipeline import training_batches
from data.sampling import MixOptions
from model.quantizer import ResidualVectorQuantizer
from model.soundstream import SoundStream

FRAMES = 100_000  # half an hour of speech at 50 frames a second
CROP_SECONDS = 1.6
BATCH_SIZE = 12
CHUNK = 10_000  # frames searched at a time
ROUNDS = 4  # of search and solution; each further one brings less than 0.01 dB
# What the sum up to a level weighs beside the sum that is sent, and how that falls with each level
# that is missing: packets may carry fewer levels than were searched for.
PREFIX_WEIGHT, PREFIX_DECAY = 0.2, 0.7
RIDGE = 20.0  # frames that an entry's old value counts for


def refit_codebooks(codec: SoundStream, data_dir: str, frames: int = FRAMES) -> None:
    """Refits the codebooks of `codec` on speech of the training split.

    Args:
      codec: its search is the one that ships (`search_paths`).
      data_dir: prepared folder, or any folder of audio.
      frames: embeddings to learn from.
    """
    config = codec.config
    crop = max(1, round(CROP_SECONDS * config.frame_rate))
    batches = training_batches(
        data_dir,
        sample_rate=config.sample_rate,
        batch_size=BATCH_SIZE,
        crop_samples=crop * config.hop,
        seed=0,
        mix=MixOptions(),
    )
    embed = tf.function(codec.embed)
    count = -(-frames // (BATCH_SIZE * crop))
    embeddings = [embed(audio).numpy() for audio, _, _ in batches.take(count)]
    ends = [config.num_quantizers_for(bps) for bps in config.usual_bitrates_bps]
    refit(codec.quantizer, np.concatenate(embeddings).reshape(-1, config.embedding_dim), ends)


def refit(quantizer: ResidualVectorQuantizer, embeddings: np.ndarray, ends: list[int]) -> None:
    """Refits levels up to each of `ends`, with those up to the end before it as they then are.

    Args:
      embeddings: float32 [frames, D], many more frames than entries in a codebook.
      ends: numbers of levels that are sent, rising; levels beyond the last stay as they are.

    Raises:
      ValueError: there are fewer frames than entries.
    """
    if len(embeddings) < quantizer.codebook_size:
        raise ValueError(
            f"codebooks of {quantizer.codebook_size} entries need more than "
            f"{len(embeddings)} frames of audio"
        )
    start = 0
    for end in ends:
        search = tf.function(lambda x, levels=end: quantizer.encode(x, levels))
        for _ in range(ROUNDS):
            chunks = np.split(embeddings, range(CHUNK, len(embeddings), CHUNK))
            codes = np.concatenate([search(chunk[None])[0] for chunk in chunks])
            codebooks = quantizer.codebooks.numpy()
            known = sum(codebooks[level][codes[:, level]] for level in range(start))
            codebooks[start:end] = least_squares(
                codebooks[start:end], codes[:, start:end], embeddings - known
            )
            quantizer.codebooks.assign(codebooks)
        start = end


def least_squares(codebooks: np.ndarray, codes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The codebooks [levels, N, D] whose entries at `codes` add up to `targets` best.

    Args:
      codebooks: as they were; entries that few frames choose stay near.
      codes: int [frames, levels].
      targets: [frames, D].
    """
    levels, size, dim = codebooks.shape
    prefix = PREFIX_WEIGHT * PREFIX_DECAY ** np.arange(levels - 1, -1, -1.0)
    prefix[-1] = 1
    # A pair of levels meets in every prefix that has both.
    weight = np.cumsum(prefix[::-1])[::-1]
    together = np.zeros([levels, size, levels, size])
    sums = np.zeros([levels, size, dim])
    for i in range(levels):
        for d in range(dim):
            sums[i, :, d] = np.bincount(codes[:, i], targets[:, d], size)
        for j in range(i, levels):
            pairs = np.bincount(codes[:, i] * size + codes[:, j], minlength=size * size)
            pairs = weight[j] * pairs.reshape(size, size)
            together[i, :, j] = pairs
            together[j, :, i] = pairs.T
    ridge = RIDGE * np.repeat(weight, size)
    matrix = together.reshape(levels * size, -1) + np.diag(ridge)
    right = (weight[:, None, None] * sums).reshape(-1, dim)
    right += ridge[:, None] * codebooks.reshape(-1, dim)
    return np.linalg.solve(matrix, right).reshape(codebooks.shape).astype(np.float32)
