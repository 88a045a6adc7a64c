"""Finding exported models: by name, by folder, or by the id that a file names."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from .bitstream.entropy_tables import EntropyTables
from .bitstream.errors import BitstreamError
from .codec.files import load_tables
from .tflite.metadata import METADATA_FILE, Metadata
from .tflite.runtime import CodecModel

DEFAULT = "speech"
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Model:
    """A codec that is ready to use, for any number of streams, files and threads.

    Attributes:
      graphs: encoder and decoder.
      tables: for entropy coding; None where the model has none.
    """

    graphs: CodecModel
    tables: EntropyTables | None

    @property
    def metadata(self) -> Metadata:
        """Its id, sample rate, frame length, bitrates and flavours."""
        return self.graphs.metadata


def known() -> dict[str, Path]:
    """Finds the models at hand: those of the installed package or of the checkout.

    Returns:
      Their folders by their names.
    """
    shelves = [_PACKAGE / "pretrained"]
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        shelves.append(_PACKAGE.parent / "pretrained")
    return {
        path.parent.name: path.parent
        for shelf in reversed(shelves)
        for path in sorted(shelf.glob(f"*/{METADATA_FILE}"))
    }


def load(model: str | Path = DEFAULT, flavour: str | None = None, num_threads: int = 1) -> Model:
    """Loads a model.

    Args:
      model: the name of a known one, or the folder of an exported one.
      flavour: the number format; None is the model's default.
      num_threads: of each call of a graph.

    Returns:
      The model, which serves any number of streams.

    Raises:
      ValueError: there is no such model or flavour, or a file of it is damaged.
    """
    folder = known().get(str(model), Path(model))
    try:
        graphs = CodecModel.load(folder, flavour, num_threads)
    except ValueError as error:
        if folder.is_dir():
            raise
        names = ", ".join(known()) or "none"
        raise ValueError(f"{model}: no such folder, nor a known model ({names})") from error
    return Model(graphs, load_tables(str(folder)))


@functools.lru_cache(maxsize=4)
def load_for(model_id: bytes, flavour: str | None = None) -> Model:
    """Loads the known model that a file was made with, once.

    Args:
      model_id: of the file's header, 8 bytes.
      flavour: the number format; None is the model's default.

    Returns:
      The model.

    Raises:
      BitstreamError: it is not among those at hand, which are listed.
    """
    ids = {name: Metadata.read(folder).model_id for name, folder in known().items()}
    for name, its_id in ids.items():
        if its_id == model_id.hex():
            return load(name, flavour)
    there = ", ".join(f"{name} {its_id}" for name, its_id in ids.items()) or "none"
    raise BitstreamError(f"made with model {model_id.hex()}, which is not at hand: {there}")


@functools.lru_cache(maxsize=1)
def default() -> Model:
    """Loads the model that encodes where none is named, once.

    Returns:
      The model.
    """
    return load()
