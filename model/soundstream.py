"""SoundStream: encoder, denoising switch, residual vector quantizer, decoder."""

from typing import Any

import tensorflow as tf

from model import seanet
from model.backend import keras
from model.config import CodecConfig
from model.fake_quantization import quantize_decoder, quantize_encoder
from model.film import FiLM
from model.initializers import initialize_as_transform
from model.quantizer import ResidualVectorQuantizer
from model.streaming import State


class SoundStream(keras.Model):
    """The codec. Audio is [batch, time, 1] in [-1, 1]; codes are int32 [batch, frames, levels].

    Whole signals must be whole frames of `config.hop` samples. The step forms take and return
    state (see `model/streaming.py`) and give the same numbers for any chunking.
    """

    def __init__(self, config: CodecConfig, *, product_dtype: str = "float32", **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.encoder = seanet.encoder(config, product_dtype)
        self.decoder = seanet.decoder(config, product_dtype)
        self.quantizer = ResidualVectorQuantizer(
            config.num_quantizers, config.codebook_size, config.embedding_dim, name="quantizer"
        )
        self.film = FiLM(config.embedding_dim, name="film") if config.denoise else None
        if not config.trunk_activation:
            initialize_as_transform(config, self.encoder, self.decoder)
        if config.int8_nets:
            quantize_encoder(self.encoder)
            quantize_decoder(self.decoder)

    def embed(self, audio: tf.Tensor, denoise: tf.Tensor | None = None) -> tf.Tensor:
        """audio -> embeddings float32 [batch, frames, D], before the quantizer."""
        return self._condition(self.encoder(audio), denoise)

    def synthesize(self, embeddings: tf.Tensor) -> tf.Tensor:
        """embeddings [batch, frames, D] -> audio float32 [batch, frames * hop, 1]."""
        return self.decoder(embeddings)

    def encode(
        self, audio: tf.Tensor, num_quantizers: int, denoise: tf.Tensor | None = None
    ) -> tf.Tensor:
        """audio -> codes."""
        return self.quantizer.encode(self.embed(audio, denoise), num_quantizers)

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """codes -> audio; the number of levels is that of `codes`."""
        return self.synthesize(self.quantizer.decode(codes))

    def call(
        self, audio: tf.Tensor, num_quantizers: int, denoise: tf.Tensor | None = None
    ) -> tf.Tensor:
        """audio -> audio through `num_quantizers` levels."""
        return self.decode(self.encode(audio, num_quantizers, denoise))

    def encoder_state(self, batch: int) -> State:
        return self.encoder.initial_state(batch)

    def decoder_state(self, batch: int) -> State:
        return self.decoder.initial_state(batch)

    def encode_step(
        self,
        audio: tf.Tensor,
        state: State,
        num_quantizers: int,
        denoise: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Step form of `encode`; `denoise` may change with every frame, [batch, frames]."""
        x, state = self.encoder.step(audio, state)
        return self.quantizer.encode(self._condition(x, denoise), num_quantizers), state

    def decode_step(self, codes: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Step form of `decode`."""
        audio, state = self.decoder.step(self.quantizer.decode(codes), state)
        return audio, state

    def _condition(self, x: tf.Tensor, denoise: tf.Tensor | None) -> tf.Tensor:
        if self.film is None:
            if denoise is not None:
                raise ValueError(f"model {self.config.name!r} was built without a denoise switch")
            return x
        return self.film(x, tf.zeros([1, 1]) if denoise is None else denoise)
