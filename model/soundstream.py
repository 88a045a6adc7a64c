"""SoundStream: encoder and denoiser, residual vector quantizer, decoder."""

from typing import Any

import tensorflow as tf

from model import seanet
from model.backend import keras
from model.config import CodecConfig
from model.denoiser import Denoiser
from model.fake_quantization import quantize_decoder, quantize_encoder
from model.film import FiLM
from model.initializers import initialize_as_transform
from model.quantizer import SEARCH_PATHS, ResidualVectorQuantizer
from model.streaming import State


class SoundStream(keras.Model):
    """The codec. Audio is [batch, time, 1] in [-1, 1]; codes are int32 [batch, frames, levels].

    Whole signals must be whole frames of `config.hop` samples. The step forms take and return
    state (see `model/streaming.py`) and give the same numbers for any chunking.
    """

    def __init__(
        self,
        config: CodecConfig,
        *,
        product_dtype: str = "float32",
        search_paths: int = SEARCH_PATHS,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.config = config
        self.encoder = seanet.encoder(config, product_dtype)
        self.decoder = seanet.decoder(config, product_dtype)
        self.quantizer = ResidualVectorQuantizer(
            config.num_quantizers,
            config.codebook_size,
            config.embedding_dim,
            search_paths=search_paths,
            name="quantizer",
        )
        self.denoiser = Denoiser(config, product_dtype, name="denoiser") if config.denoise else None
        self.decoder_film = (
            FiLM(config.embedding_dim, name="decoder_film") if config.denoise_decoder else None
        )
        if not config.trunk_activation:
            initialize_as_transform(config, self.encoder, self.decoder)
        if self.denoiser is not None:
            self.denoiser.begin_as(self.encoder)
        if config.int8_nets:
            quantize_encoder(self.encoder)
            quantize_decoder(self.decoder)

    @property
    def denoising_weights(self) -> list[tf.Variable]:
        """What the plain codec does not have; trained alone, the switched-off codec stays it."""
        parts = (self.denoiser, self.decoder_film)
        return [weight for part in parts if part is not None for weight in part.trainable_weights]

    def embed(self, audio: tf.Tensor, denoise: tf.Tensor | None = None) -> tf.Tensor:
        """audio -> embeddings float32 [batch, frames, D], before the quantizer."""
        return self.embed_and_clean(audio, denoise)[0]

    def embed_and_clean(
        self, audio: tf.Tensor, denoise: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What `embed` returns, and the audio that the denoiser's encoder heard, of any switch."""
        x = self.encoder(audio)
        if denoise is None:
            return x, audio
        clean, cleaned = self._needed_denoiser()(audio, x)
        return _switched(x, clean, denoise), cleaned

    def synthesize(self, embeddings: tf.Tensor, denoise: tf.Tensor | None = None) -> tf.Tensor:
        """embeddings [batch, frames, D] -> audio float32 [batch, frames * hop, 1]."""
        return self.decoder(self._condition(embeddings, denoise))

    def encode(
        self, audio: tf.Tensor, num_quantizers: int, denoise: tf.Tensor | None = None
    ) -> tf.Tensor:
        """audio -> codes; `denoise` is 0 (off) to 1 (on), [batch, frames] or [batch, 1]."""
        return self.quantizer.encode(self.embed(audio, denoise), num_quantizers)

    def decode(self, codes: tf.Tensor, denoise: tf.Tensor | None = None) -> tf.Tensor:
        """codes -> audio; the number of levels is that of `codes`."""
        return self.synthesize(self.quantizer.decode(codes), denoise)

    def call(
        self, audio: tf.Tensor, num_quantizers: int, denoise: tf.Tensor | None = None
    ) -> tf.Tensor:
        """audio -> audio through `num_quantizers` levels."""
        return self.decode(self.encode(audio, num_quantizers, denoise), denoise)

    def encoder_state(self, batch: int) -> State:
        state = self.encoder.initial_state(batch)
        if self.denoiser is not None:
            state["denoiser"] = self.denoiser.initial_state(batch)
        return state

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
        x, after = self.encoder.step(audio, state)
        if self.denoiser is not None:
            clean, after["denoiser"] = self.denoiser.step(audio, x, state["denoiser"])
        if denoise is not None:
            self._needed_denoiser()
            x = _switched(x, clean, denoise)
        return self.quantizer.encode(x, num_quantizers), after

    def decode_step(
        self, codes: tf.Tensor, state: State, denoise: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """Step form of `decode`."""
        return self.synthesize_step(self.quantizer.decode(codes), state, denoise)

    def synthesize_step(
        self, embeddings: tf.Tensor, state: State, denoise: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """Step form of `synthesize`."""
        return self.decoder.step(self._condition(embeddings, denoise), state)

    def _condition(self, embeddings: tf.Tensor, denoise: tf.Tensor | None) -> tf.Tensor:
        if denoise is None:
            return embeddings  # FiLM's "off" is the identity
        self._needed_denoiser()
        return embeddings if self.decoder_film is None else self.decoder_film(embeddings, denoise)

    def _needed_denoiser(self) -> Denoiser:
        if self.denoiser is None:
            raise ValueError(f"model {self.config.name!r} was built without a denoise switch")
        return self.denoiser


def _switched(off: tf.Tensor, on: tf.Tensor, denoise: tf.Tensor) -> tf.Tensor:
    """Embeddings [batch, frames, D] by a switch of 0 to 1, [batch, frames] or [batch, 1]."""
    return off + denoise[..., None] * (on - off)
