"""SoundStream's training step in PyTorch, timed part by part at the request of another process.

`tools/train_benchmark.py` starts this under an interpreter that has PyTorch: the two frameworks
need not share an environment, and take turns. Standard input holds a line of JSON, which says what
to build, then the name of a part per run; the answer is its wall and its processor seconds.

The step is what re-implementations do: discriminators learn first, from a decoded signal without
gradient, then once more under the generator's losses; one mel loss at six windows (ours has five
more terms). Left out in PyTorch's favour: weight normalisation, the moving average of the weights.
"""

import json
import sys
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch_nets
from torch import Tensor, nn
from torch.nn import functional

MEL_BINS = {64: 8, 128: 16, 256: 32, 512: 64, 1024: 80, 2048: 96}


def encodec_seanet(config: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder from the package `encodec`, shaped like the `paper` preset."""
    # It imports torchaudio to read files, which nothing here does.
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    from encodec.modules import SEANetDecoder, SEANetEncoder

    shape = {
        "dimension": config["embedding_dim"],
        "n_filters": config["encoder_channels"][0],
        "n_residual_layers": len(config["dilations"]),
        "ratios": config["strides"][::-1],
        "kernel_size": config["patch_frames"],
        "residual_kernel_size": config["residual_kernel"],
        "dilation_base": config["dilations"][1],
        "compress": round(1 / config["residual_hidden"]),
        "norm": "none",
        "causal": True,
        "true_skip": True,
        "lstm": 0,
    }
    encoder = SEANetEncoder(**shape, last_kernel_size=config["encoder_out_kernel"])
    return encoder, SEANetDecoder(**shape, last_kernel_size=config["patch_frames"])


class MelLoss(nn.Module):
    """Mean absolute difference of log mel magnitudes over six windows."""

    def __init__(self, sample_rate: int):
        super().__init__()
        for window, bins in MEL_BINS.items():
            lines = np.arange(window // 2 + 1) * sample_rate / window
            top = 2595 * np.log10(1 + sample_rate / 1400)
            edges = 700 * (10 ** (np.linspace(0, top, bins + 2) / 2595) - 1)
            rising = (lines[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
            falling = (edges[2:] - lines[:, None]) / (edges[2:] - edges[1:-1])
            filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
            self.register_buffer(f"filters_{window}", torch.from_numpy(filters))
            self.register_buffer(f"taper_{window}", torch.hann_window(window) * 2 / window)

    def forward(self, reference: Tensor, decoded: Tensor) -> Tensor:
        total = decoded.new_zeros(())
        for window in MEL_BINS:
            x, y = (self._log_mel(signal, window) for signal in (reference, decoded))
            total = total + (x - y).abs().mean()
        return total / len(MEL_BINS)

    def _log_mel(self, x: Tensor, window: int) -> Tensor:
        taper = getattr(self, f"taper_{window}")
        spectrum = torch.stft(x, window, window // 4, window=taper, return_complex=True)
        mel = spectrum.abs().transpose(1, 2) @ getattr(self, f"filters_{window}")
        return mel.clamp(min=1e-4).log10()


class Reference:
    """Nets, optimisers and one batch; `parts` are what can be timed.

    Args:
      job: `codec` (a CodecConfig), `batch`, `samples`, `share` (of the batch that discriminators
        see), `discriminators` (arguments of `torch_nets.discriminators`), `nets` ("plain" or
        "encodec") and `bfloat16` (autocast of nets and discriminators).
    """

    def __init__(self, job: dict[str, Any]):
        config = job["codec"]
        if job["nets"] == "encodec":
            self.encoder, self.decoder = encodec_seanet(config)
        else:
            self.encoder, self.decoder = torch_nets.encoder(config), torch_nets.decoder(config)
        self.quantizer = torch_nets.Quantizer(config)
        self.critic = torch_nets.discriminators(**job["discriminators"])
        self.mel = MelLoss(config["sample_rate"])
        self.weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(self.weights, 1e-4, (0.8, 0.99))
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), 1e-4, (0.8, 0.99))
        self.bfloat16 = job["bfloat16"]
        self.seen = max(1, round(job["share"] * job["batch"]))
        self.levels = torch.randint(1, config["num_quantizers"] + 1, (job["batch"],))
        self.audio = 0.1 * torch.randn(job["batch"], job["samples"])
        with torch.no_grad():
            self.embeddings = self._embed()
        self.decoded = 0.1 * torch.randn_like(self.audio)

    @property
    def parts(self) -> dict[str, Callable[[], None]]:
        return {
            "codec": self.codec,
            "quantizer": self.quantize,
            "losses": self.reconstruct,
            "discriminators": self.criticize,
            "step_without_discriminators": lambda: self.step(adversarial=False),
            "step": lambda: self.step(adversarial=True),
        }

    def codec(self) -> None:
        decoded = self._synthesize(self._embed())
        torch.autograd.grad(decoded, self.weights, torch.ones_like(decoded))

    def quantize(self) -> None:
        x = self.embeddings.detach().requires_grad_()
        quantized, commitment = self.quantizer(x, self.levels)
        torch.autograd.grad(quantized.sum() + commitment, x)

    def reconstruct(self) -> None:
        decoded = self.decoded.requires_grad_()
        torch.autograd.grad(self.mel(self.audio, decoded), decoded)

    def criticize(self) -> None:
        decoded = self.decoded.requires_grad_()
        self._critic_loss(decoded).backward()
        self._generator_loss(decoded).backward()
        self.critic.zero_grad()
        decoded.grad = None

    def step(self, adversarial: bool) -> None:
        quantized, commitment = self.quantizer(self._embed(), self.levels)
        decoded = self._synthesize(quantized)
        loss = self.mel(self.audio, decoded) + commitment
        if adversarial:
            self.critic_optimizer.zero_grad()
            self._critic_loss(decoded).backward()
            nn.utils.clip_grad_norm_(self.critic.parameters(), 1.0)
            self.critic_optimizer.step()
            loss = loss + self._generator_loss(decoded)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()

    def _embed(self) -> Tensor:
        with self._autocast():
            return self.encoder(self.audio[:, None])

    def _synthesize(self, embeddings: Tensor) -> Tensor:
        with self._autocast():
            return self.decoder(embeddings)[:, 0].float()

    def _maps(self, audio: Tensor) -> list[list[Tensor]]:
        with self._autocast():
            return [[m.float() for m in member(audio[: self.seen])] for member in self.critic]

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)

    def _critic_loss(self, decoded: Tensor) -> Tensor:
        real, fake = self._maps(self.audio), self._maps(decoded.detach())
        return _mean(
            functional.relu(1 - r[-1]).mean() + functional.relu(1 + f[-1]).mean()
            for r, f in zip(real, fake)
        )

    def _generator_loss(self, decoded: Tensor) -> Tensor:
        with torch.no_grad():
            real = self._maps(self.audio)
        fake = self._maps(decoded)
        features = _mean(
            (x - y).abs().mean() / (x.abs().mean() + 1e-3)
            for r, f in zip(real, fake)
            for x, y in zip(r[:-1], f[:-1])
        )
        return features + _mean(functional.relu(1 - f[-1]).mean() for f in fake)


def _mean(terms: Any) -> Tensor:
    return torch.stack(list(terms)).mean()


def main(argv: Sequence[str]) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(int(argv[1]))
    parts = Reference(json.loads(sys.stdin.readline())).parts
    for line in sys.stdin:
        started = time.perf_counter(), time.process_time()
        parts[line.strip()]()
        print(time.perf_counter() - started[0], time.process_time() - started[1], flush=True)


if __name__ == "__main__":
    main(sys.argv)
