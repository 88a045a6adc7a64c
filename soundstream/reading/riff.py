"""What the header of a wav file says, and whether it can be believed.

Programs that write to a pipe cannot go back and fill in sizes, those that were killed did not, and
32 bits do not hold the size of a long file. Decoders take such sizes at their word.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# (format, bits) that libsndfile reads, by its names for them.
_SUBTYPES = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
    (_ALAW, 8): "ALAW",
    (_MULAW, 8): "ULAW",
}
_OPEN = 0x7FFF_F000  # sizes from here on stand for "to the end": nobody knew them
_WRAP = 1 << 32
_HEAD_BYTES = 1 << 20  # a `data` chunk that begins later is not looked for


@dataclass(frozen=True)
class Riff:
    """The layout of a wav file.

    Attributes:
      subtype: of the samples, in libsndfile's terms; None for what it does not read.
      frames: samples per channel that the file holds, 0 where its header does not tell.
      sized: whether the header says truly where the audio ends.
      corrections: bytes to be read in place of those in the header, by their position: they say
        that the audio goes on to the file's end.
      strict: whether every chunk is where the standard wants it, none of them of odd size.
      remark: what is odd about it, for the user; None if nothing.
    """

    subtype: str | None
    frames: int
    sized: bool
    corrections: dict[int, bytes]
    strict: bool
    remark: str | None = None


def is_riff(head: bytes) -> bool:
    """Tells a wav file by its first bytes.

    Args:
      head: the first 12 bytes of the file, or more.

    Returns:
      True for RIFF, RIFX, RF64 and BW64 that hold WAVE.
    """
    return head[:4] in _MAGICS and head[8:12] == b"WAVE"


def scan(file: Any, size: int | None) -> Riff | None:
    """Reads the header of a wav file; `file` stands at its beginning.

    Args:
      file: needs `read` only, and `seek` where `size` is given.
      size: of the file in bytes; None: a pipe.

    Returns:
      None if there is no audio in it.
    """
    head = file.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    chunk = struct.Struct(order + "4sI")
    riff_bytes = struct.unpack(order + "I", head[4:8])[0]
    position, even = 12, True
    data64: int | None = None
    subtype, frame_bytes = None, 0
    while position < _HEAD_BYTES:
        name, length = chunk.unpack(_exactly(file, chunk.size) or b"\0" * chunk.size)
        position += chunk.size
        if name == b"data":
            break
        if name == b"\0\0\0\0" or (size is not None and position + length > size):
            return None
        content = _exactly(file, length + length % 2) if length <= _HEAD_BYTES else b""
        if name == b"fmt " and length >= 16:
            subtype, frame_bytes = _format(content, order)
        elif name == b"ds64" and length >= 16:
            data64 = struct.unpack("<Q", content[8:16])[0]
        position += length + length % 2
        even = even and length % 2 == 0
    else:
        return None
    wide = head[:4] in (b"RF64", b"BW64")
    if wide and data64 is not None and length == _WRAP - 1:
        length = data64
    to_the_end = {0: b"RIFF" if wide else head[:4], position - 4: b"\xff" * 4}
    if size is None:
        unknown = length == 0 or length >= _OPEN
        return Riff(subtype, 0, False, to_the_end if unknown else {}, False)
    held = size - position
    known = held // frame_bytes if subtype else 0
    wrapped = held >= _WRAP and not wide and held % _WRAP == length
    unfinished = length == 0 < held and riff_bytes + 8 != size
    if wrapped or unfinished:
        return Riff(subtype, known, False, to_the_end, False)
    if length > held:
        remark = None
        if length < _OPEN and frame_bytes:
            remark = f"it breaks off: {held} bytes of audio of the {length} that its header names"
        return Riff(subtype, known, False, to_the_end, False, remark)
    behind, even_behind = _behind(file, chunk, position + length + length % 2, size)
    whole = not behind and riff_bytes + 8 == size and head[:4] == b"RIFF"
    return Riff(
        subtype,
        length // frame_bytes if subtype else 0,
        True,
        {},
        whole and even and even_behind and length % max(2, frame_bytes) == 0,
        f"{behind} bytes behind its audio are no part of it: left out" if behind else None,
    )


def _format(content: bytes, order: str) -> tuple[str | None, int]:
    """Libsndfile's name for a `fmt ` chunk, if any, and the bytes of a sample of all channels."""
    kind, channels, _, _, frame_bytes, bits = struct.unpack(order + "HHIIHH", content[:16])
    if kind == _EXTENSIBLE and len(content) >= 26:
        kind = struct.unpack(order + "H", content[24:26])[0]
    subtype = _SUBTYPES.get((kind, bits))
    if order == ">" or not channels or frame_bytes * 8 != channels * bits:
        subtype = None
    return subtype, frame_bytes


def _behind(file: Any, chunk: struct.Struct, position: int, size: int) -> tuple[int, bool]:
    """Bytes behind the last chunk that belong to none, and whether all chunks have even sizes."""
    even = True
    while position + chunk.size <= size:
        file.seek(position)
        name, length = chunk.unpack(_exactly(file, chunk.size) or b"\0" * chunk.size)
        end = position + chunk.size + length
        printable = name.isascii() and name.decode("latin-1").isprintable()
        if end > size or not printable or name in _MAGICS:  # a second recording
            return size - position, even
        even = even and length % 2 == 0
        position = end + length % 2
    return max(0, size - position), even


def _exactly(file: Any, count: int) -> bytes:
    """`count` bytes, less at the end; a pipe gives fewer than it is asked for at a time."""
    parts = bytearray()
    while len(parts) < count:
        part = file.read(count - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts) if len(parts) == count else b""
