"""SoundStream's training step in PyTorch, timed part by part at the request of another process.

`train_benchmark.py` starts this under an interpreter that has PyTorch: the two frameworks need
not share an environment, and take turns. Standard input holds a line of JSON, which says what
to build, then the name of a part per run; the answer is its wall and its processor seconds.

The step is what re-implementations do: discriminators learn first, from a decoded signal without
gradient, then once more under the generator's losses; spectral losses are those that are asked for.
Left out in PyTorch's favour: weight normalisation, the moving average of the weights.
"""

import json
import sys
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch_nets
from torch import Tensor, nn
from torch.nn import functional
from torch_losses import SpectralLosses


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


class Reference:
    """Nets, optimisers and one batch; `parts` are what can be timed.

    Args:
      job: `codec` (a CodecConfig), `batch`, `samples`, `share` (of the batch that discriminators
        see), `discriminators` (arguments of `torch_nets.discriminators`), `losses` (names for
        `torch_losses.SpectralLosses`), `nets` ("plain" or "encodec") and `bfloat16` (autocast of
        nets and discriminators).
    """

    def __init__(self, job: dict[str, Any]):
        config = job["codec"]
        if job["nets"] == "encodec":
            self.encoder, self.decoder = encodec_seanet(config)
        else:
            self.encoder, self.decoder = torch_nets.encoder(config), torch_nets.decoder(config)
        self.quantizer = torch_nets.Quantizer(config)
        self.critic = torch_nets.discriminators(**job["discriminators"])
        self.spectral = SpectralLosses(config["sample_rate"], job["losses"])
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
        torch.autograd.grad(self.spectral(self.audio, decoded), decoded)

    def criticize(self) -> None:
        decoded = self.decoded.requires_grad_()
        self._critic_loss(decoded).backward()
        self._generator_loss(decoded).backward()
        self.critic.zero_grad()
        decoded.grad = None

    def step(self, adversarial: bool) -> None:
        quantized, commitment = self.quantizer(self._embed(), self.levels)
        decoded = self._synthesize(quantized)
        loss = self.spectral(self.audio, decoded) + commitment
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
    if len(argv) != 2:
        sys.exit(f"{Path(argv[0]).name}: needs one argument, the number of threads")
    torch.manual_seed(0)
    torch.set_num_threads(int(argv[1]))
    parts = Reference(json.loads(sys.stdin.readline())).parts
    for line in sys.stdin:
        started = time.perf_counter(), time.process_time()
        parts[line.strip()]()
        print(time.perf_counter() - started[0], time.process_time() - started[1], flush=True)


if __name__ == "__main__":
    main(sys.argv)
