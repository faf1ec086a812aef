"""Makes the TorchScript files beside it, small networks that the tests import: python3 make.py (PyTorch 1.13)."""
import os
from typing import Dict, Tuple

import torch
from torch import Tensor, nn


class Scaled(nn.Module):
    """x t + 1."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x * t.reshape(-1, 1, 1, 1) + 1


class Classes(nn.Module):
    """x t + the number of the class."""

    def forward(self, x: Tensor, t: Tensor, classes: Tensor) -> Tensor:
        assert classes.dtype == torch.int64
        return x * t.reshape(-1, 1, 1, 1) + classes.reshape(-1, 1, 1, 1)


class Named(nn.Module):
    """As diffusers return it."""

    def forward(self, x: Tensor, t: Tensor) -> Dict[str, Tensor]:
        return {"mean": x, "sample": x * t.reshape(-1, 1, 1, 1) + 1}


class Pair(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> Tuple[Tensor, Tensor]:
        return x * t.reshape(-1, 1, 1, 1) + 1, t


class Number(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> float:
        return 0.5


class Flat(nn.Module):
    """Rows of numbers, without a noise label, in evaluation mode without its dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 16)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(torch.tanh(self.first(x))))


class Cropped(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x[:, :, 1:]


class NotANumber(nn.Module):
    """NaN from a noise label of 10 on."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x * torch.sqrt(10 - t).reshape(-1, 1, 1, 1)


class Silent(nn.Module):
    """Fails, and does not say why."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if bool(x.sum() < 1e30):
            raise RuntimeError("")
        return x


class GaussianNoise(nn.Module):
    """E[n | x_t] for rows N(mean, deviation^2) of 1 x 2 x 2 values, DDPM's linear betas, t = step/1000."""

    def __init__(self) -> None:
        super().__init__()
        betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
        self.register_buffer("log_alphabar", torch.cat([torch.zeros(1).double(), torch.log1p(-betas).cumsum(0)]))
        self.register_buffer("mean", torch.tensor([-0.25, 0.1, 0.3, 0.0]).double().reshape(1, 1, 2, 2))
        self.register_buffer("deviation", torch.tensor([0.05, 0.2, 0.1, 0.3]).double().reshape(1, 1, 2, 2))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        step = (t.double() * 1000).clamp(0, 1000)
        low = step.floor().clamp(max=999)
        share = step - low
        index = low.long()
        log_alphabar = (self.log_alphabar[index] * (1 - share) + self.log_alphabar[index + 1] * share)
        log_alphabar = log_alphabar.reshape(-1, 1, 1, 1)
        scale = torch.exp(log_alphabar / 2)
        noise = torch.sqrt(-torch.expm1(log_alphabar))
        variance = (scale * self.deviation) ** 2 + noise ** 2
        return (noise * (x.double() - scale * self.mean) / variance).to(x.dtype)


def main() -> None:
    torch.manual_seed(0)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    torch.jit.script(Scaled()).save("scaled.pt")
    torch.jit.script(Classes()).save("classes.pt")
    torch.jit.script(Named()).save("named.pt")
    torch.jit.script(Pair()).save("pair.pt")
    torch.jit.script(Number()).save("number.pt")
    flat = Flat()
    torch.jit.script(flat).save("flat.pt")
    torch.jit.script(flat.double()).save("flat-double.pt")
    torch.jit.script(Cropped()).save("cropped.pt")
    torch.jit.script(NotANumber()).save("nan.pt")
    torch.jit.script(Silent()).save("silent.pt")
    torch.jit.script(GaussianNoise()).save("gaussian-eps.pt")
    torch.save(Flat().state_dict(), "state-dict.pt")


if __name__ == "__main__":
    main()
