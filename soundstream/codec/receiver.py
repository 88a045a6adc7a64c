"""Datagrams, as many as come, -> audio: lost ones are rebuilt from others, or concealed."""

from __future__ import annotations

import numpy as np

from ..bitstream.datagrams import Datagram, DatagramCoder
from ..bitstream.errors import BitstreamError
from ..bitstream.packets import COMFORT_NOISE_BYTES
from ..tflite.runtime import CodecModel
from .concealment import ConcealingDecoder
from .repair import Repair


class Receiver:
    """Plays one stream of datagrams.

    Deliver what comes, and play one packet after the other. What makes up for a packet comes with
    the eight after it, so play a packet when those have had their time.

    Args:
      model: decodes all channels; must be the one that encoded them.
      coder: reads the datagrams, and knows how many channels they have.

    Attributes:
      num_rebuilt: packets played from what others told of them.
      num_concealed: packets of which nothing was known.
      num_refused: datagrams that could not be read; they count as lost.
      last_refusal: what was wrong with the last of them.
    """

    def __init__(self, model: CodecModel, coder: DatagramCoder) -> None:
        self.num_rebuilt = 0
        self.num_concealed = 0
        self.num_refused = 0
        self.last_refusal = ""
        self._metadata = model.metadata
        self._coder = coder
        self._decoders = [ConcealingDecoder(model) for _ in range(coder.num_channels)]
        self._repair = Repair()
        self._num_frames = 1  # of a packet that did not come

    def deliver(self, number: int, data: bytes) -> None:
        """Takes in a datagram, or counts it in `num_refused`.

        That its bytes are right is the transport's business: UDP drops what was damaged.

        Args:
          number: of the packet; counts from any start.
          data: the whole datagram.
        """
        try:
            datagram = self._coder.decode(data)
            for codes in (datagram.codes, *(one.codes for one in datagram.sums)):
                self._check_levels(codes)
            self._check_codes(datagram.codes)
        except BitstreamError as error:
            self.num_refused += 1
            self.last_refusal = str(error)
            return
        self._num_frames = datagram.num_frames
        self._repair.add(number, datagram)

    def play(self, number: int) -> np.ndarray:
        """Decodes a packet, or makes up for it.

        Args:
          number: of the packet; rises by one at each call.

        Returns:
          float32 [time, channels] at the model's rate, full scale 1.
        """
        datagram = self._repair.received(number)
        if datagram is None:
            datagram = self._rebuilt(number)
            self.num_rebuilt += datagram is not None
            self.num_concealed += datagram is None
        channels = [self._play(decoder, c, datagram) for c, decoder in enumerate(self._decoders)]
        return np.stack(channels, axis=1)

    def _rebuilt(self, number: int) -> Datagram | None:
        """What is known of a packet that did not come; None where it is nothing, or nonsense."""
        datagram = self._repair.rebuilt(number)
        try:
            self._check_codes(None if datagram is None else datagram.codes)
        except BitstreamError:
            return None
        return datagram

    def _play(
        self, decoder: ConcealingDecoder, channel: int, datagram: Datagram | None
    ) -> np.ndarray:
        """One channel's audio, float32 [time]."""
        if datagram is None:
            return decoder.conceal(self._num_frames)
        if datagram.codes is None:
            start = channel * COMFORT_NOISE_BYTES
            noise = datagram.noise[start : start + COMFORT_NOISE_BYTES]
            return decoder.pause(datagram.num_frames, noise)
        codes = np.ascontiguousarray(datagram.codes[:, channel])
        return decoder.decode(codes, float(datagram.denoise))

    def _check_levels(self, codes: np.ndarray | None) -> None:
        most = self._metadata.num_quantizers
        if codes is not None and codes.shape[2] > most:
            raise BitstreamError(f"{codes.shape[2]} levels, the model has {most}")

    def _check_codes(self, codes: np.ndarray | None) -> None:
        size = self._metadata.codebook_size
        if codes is not None and codes.max() >= size:
            raise BitstreamError(f"a code of {codes.max()}, the model has 0..{size - 1}")
