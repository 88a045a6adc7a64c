"""What a run needs to go on, and the compact form of it that can be shipped.

A run's own checkpoints are TensorFlow's (`tf.train.CheckpointManager`): written under a temporary
name, then renamed, so that a killed run leaves the last whole one. The compact form is one .npz
without optimisers: a new machine starts from it.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from model.config import CodecConfig
from model.soundstream import SoundStream
from model.weights import CODEBOOKS, load_model, named_weights, save_model
from soundstream.atomic import whole_file, write_whole
from training import growth, numbered
from training.trainer import Trainer

SETTINGS_FILE = "run.json"
WEIGHTS_FILE = "weights.npz"
COMPACT_SUFFIX = ".npz"
_STEPS_DONE = "steps_done"


class RunDirectory:
    """Checkpoints and description of one run under `train_dir`.

    Args:
      train_dir: created if missing.
      trainer: everything in it is saved: both nets, optimisers, averages, codebook statistics and
        the number of steps done, which is also the data position and the random seed's counter.
      keep: checkpoints kept.
    """

    def __init__(self, train_dir: str | Path, trainer: Trainer, keep: int = 2):
        self.path = Path(train_dir)
        self.trainer = trainer
        self.checkpoint = tf.train.Checkpoint(trainer=trainer)
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(self.path / "checkpoints"), max_to_keep=keep
        )
        # Several workers make variables together; saving, which would make this, only the chief.
        _ = self.checkpoint.save_counter

    def describe(self, description: dict[str, Any], write: bool = True) -> None:
        """Writes the run's settings; a run that is resumed must keep its architecture.

        Args:
          description: to be written.
          write: False: only looks whether this is the run.

        Raises:
          ValueError: the folder holds a run of another architecture; names what differs.
        """
        file = self.path / SETTINGS_FILE
        if file.exists():
            # Settings that are newer than the run have their defaults.
            before = described_codec(self.path).to_dict()
            now = CodecConfig.from_dict(description["codec"]).to_dict()
            differing = [k for k in now if before[k] != now[k]]
            if differing:
                changes = ", ".join(f"{k}: {before[k]} -> {now[k]}" for k in differing)
                raise ValueError(f"{self.path} holds a run of another codec ({changes})")
        if not write:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(description, indent=1))

    def restore(self) -> int:
        """Loads the newest checkpoint, if there is one; returns the steps done.

        Raises:
          ValueError: the checkpoint is of other nets, for example other discriminators.
        """
        latest = self.manager.latest_checkpoint
        if latest:
            try:
                self.checkpoint.restore(latest).assert_existing_objects_matched()
            except (AssertionError, ValueError) as error:
                raise ValueError(
                    f"{latest} does not fit these settings: were discriminators or the optimiser "
                    "changed? Start a new --train_dir with --init_from to change them"
                ) from error
        return int(self.trainer.steps_done.numpy())

    def save(self) -> str:
        """Writes a checkpoint, and the averaged weights to weights.npz, which can be exported."""
        path = self.manager.save(checkpoint_number=int(self.trainer.steps_done.numpy()))
        save_model(self.trainer.average, self.path / WEIGHTS_FILE)
        return path


def read_description(train_dir: str | Path) -> dict[str, Any]:
    """What `describe` wrote; ValueError if `train_dir` holds no run, or one that is unreadable."""
    file = Path(train_dir) / SETTINGS_FILE
    if not file.exists():
        raise ValueError(f"{train_dir} holds no training run: {SETTINGS_FILE} is missing")
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error


def described_codec(train_dir: str | Path) -> CodecConfig:
    """The codec of the run in `train_dir`; ValueError if there is none, or an unknown one."""
    described = read_description(train_dir)
    try:
        return CodecConfig.from_dict(described["codec"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{Path(train_dir) / SETTINGS_FILE}: {error}") from error


def _groups(trainer: Trainer) -> dict[str, dict[str, tf.Variable]]:
    """What the compact form holds beside the steps done: variables by path, in groups."""
    codebooks = trainer.codebook_trainer
    return {
        "codec": named_weights(trainer.codec),
        "average": named_weights(trainer.average),
        "discriminators": named_weights(trainer.discriminators),
        "codebooks": {"counts": codebooks.counts, "sums": codebooks.sums},
    }


def save_compact(trainer: Trainer, path: str | Path) -> None:
    """Writes generator, average, discriminators and codebooks, nets as float16, to one .npz.

    The optimisers' moments are left out: they are rebuilt within some hundred steps.
    """
    arrays: dict[str, np.ndarray] = {
        "config": np.frombuffer(
            json.dumps(trainer.codec.config.to_dict()).encode(), dtype=np.uint8
        ),
        _STEPS_DONE: trainer.steps_done.numpy(),
    }
    for group, variables in _groups(trainer).items():
        for name, variable in variables.items():
            exact = group == "codebooks" or name == CODEBOOKS
            value = variable.numpy()
            arrays[f"{group}/{name}"] = value if exact else value.astype(np.float16)
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_compact(trainer: Trainer, path: str | Path) -> int:
    """Restores what `save_compact` wrote; returns the steps done.

    Discriminators of other names or shapes than those saved start fresh, so that they may be
    changed between sittings.

    Raises:
      ValueError: unreadable file, or another codec.
    """
    config, arrays = _read(path)
    if config.replace(codes_of="") != trainer.codec.config.replace(codes_of=""):
        raise ValueError(f"{path} holds codec {config.to_dict()}, not the one asked for")
    groups = _groups(trainer)
    discriminators = groups.pop("discriminators")
    held = {name: _held(arrays, name, variables, path) for name, variables in groups.items()}
    for group, variables in groups.items():
        _assign(variables, held[group])
    with contextlib.suppress(ValueError):
        _assign(discriminators, _held(arrays, "discriminators", discriminators, path))
    trainer.steps_done.assign(arrays[_STEPS_DONE])
    return int(trainer.steps_done.numpy())


def _held(
    arrays: dict[str, np.ndarray], group: str, variables: dict[str, tf.Variable], path: str | Path
) -> dict[str, np.ndarray]:
    """The arrays of a group by the paths of its variables; ValueError where one does not fit."""
    if numbered.is_numbered(arrays):
        try:
            held = numbered.named(arrays, group, variables)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    else:
        held = {name: arrays[key] for name in variables if (key := f"{group}/{name}") in arrays}
    for name, variable in variables.items():
        if name not in held or held[name].shape != tuple(variable.shape):
            raise ValueError(f"{path} has no {group}/{name} of shape {tuple(variable.shape)}")
    return held


def _assign(variables: dict[str, tf.Variable], held: dict[str, np.ndarray]) -> None:
    for name, variable in variables.items():
        variable.assign(held[name].astype(variable.dtype.as_numpy_dtype))


def start(trainer: Trainer, path: str | Path) -> int:
    """Starts a run from a file; returns the steps done.

    A compact checkpoint of the same codec is gone on with. Released weights (weights.npz), and the
    average of a compact checkpoint of the codec without denoising switch, begin a run of their own
    at step 0: a denoiser that the file does not have starts as the encoder.

    Raises:
      ValueError: unreadable file, or another codec.
    """
    config, arrays = _read(path)
    wanted = trainer.codec.config
    config = config.replace(codes_of=wanted.codes_of)  # whose codes: `training.run.train` says so
    if config not in (wanted, wanted.without_denoising()):
        if growth.grows_from(config, wanted):
            growth.take_grown(trainer.codec, load_codec(path))
            return _begin(trainer)
        raise ValueError(f"{path} holds codec {config.to_dict()}, not the one asked for")
    if _STEPS_DONE in arrays and config == wanted:
        return load_compact(trainer, path)
    released = named_weights(load_codec(path))
    named = named_weights(trainer.codec)
    for name, variable in released.items():
        named[name].assign(variable)
    if trainer.codec.denoiser is not None and config != wanted:
        trainer.codec.denoiser.begin_as(trainer.codec.encoder)
    return _begin(trainer)


def _begin(trainer: Trainer) -> int:
    for variable, average in zip(trainer.codec.weights, trainer.average.weights, strict=True):
        average.assign(variable)
    trainer.codebook_trainer.adopt()
    return 0


def adopt_denoiser(trainer: Trainer, path: str | Path) -> None:
    """Takes what removes noise from weights in which it was trained, maybe for another codec.

    Raises:
      ValueError: unreadable file, or one without a denoising switch of this shape.
    """
    source = load_codec(path)
    for model in (trainer.codec, trainer.average):
        take_denoiser(model, source, path)


def take_denoiser(
    model: SoundStream, source: SoundStream, path: str | Path, part: str = "denoiser/"
) -> None:
    """Gives the denoiser of `model` the weights of that of `source`.

    Args:
      path: where `source` comes from, for errors.
      part: how the names of those weights begin that are taken.

    Raises:
      ValueError: `model` has no denoiser, or `source` none of this shape.
    """
    if model.denoiser is None:
        raise ValueError(f"{path}: a codec without denoise=True cannot take its denoiser")
    offered = named_weights(source)
    for name, variable in named_weights(model).items():
        if not name.startswith(part):
            continue
        if name not in offered or offered[name].shape != variable.shape:
            raise ValueError(f"{path} has no {name} of shape {tuple(variable.shape)}")
        variable.assign(offered[name])


def load_codec(path: str | Path) -> SoundStream:
    """The codec to ship: of a weights file, or the average of a compact checkpoint.

    Raises:
      ValueError: `path` is neither.
    """
    config, arrays = _read(path)
    if _STEPS_DONE not in arrays:
        return load_model(path)
    codec = SoundStream(config)
    variables = named_weights(codec)
    _assign(variables, _held(arrays, "average", variables, path))
    return codec


def _read(path: str | Path) -> tuple[CodecConfig, dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        config = CodecConfig.from_dict(json.loads(arrays.pop("config").tobytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a compact checkpoint: {error}") from error
    return config, arrays
