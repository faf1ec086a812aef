"""The network of kind "unet" (docs/networks.md) as a module of PyTorch; its parameters carry scorefield's names."""
import math

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.groups = groups
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.group_norm(x, self.groups, self.gain, self.bias)


class Attention(nn.Module):
    def __init__(self, channels, groups, heads):
        super().__init__()
        self.heads = heads
        self.norm = Norm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).unbind(1)
        weights = torch.softmax(q.transpose(-1, -2) @ k / math.sqrt(c // self.heads), dim=-1)
        return x + self.out((v @ weights.transpose(-1, -2)).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, inputs, outputs, condition, groups, heads):
        super().__init__()
        self.norm = nn.ModuleList([Norm(groups, inputs), Norm(groups, outputs)])
        self.convolution = nn.ModuleList([nn.Conv2d(inputs, outputs, 3, padding=1),
                                          nn.Conv2d(outputs, outputs, 3, padding=1)])
        self.scale_shift = nn.Linear(condition, 2 * outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.attention = Attention(outputs, groups, heads) if heads else nn.Identity()

    def forward(self, x, condition):
        h = self.convolution[0](F.silu(self.norm[0](x)))
        scale, shift = self.scale_shift(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.norm[1](h) * (1 + scale) + shift
        return self.attention(self.convolution[1](F.silu(h)) + self.shortcut(x))


class Condition(nn.Module):
    def __init__(self, frequencies, width):
        super().__init__()
        steps = torch.arange(frequencies) / max(frequencies - 1, 1)
        self.register_buffer("frequencies", math.pi / 4 * 32.0**steps)
        self.noise = nn.ModuleList([nn.Linear(2 * frequencies, width), nn.Linear(width, width)])

    def forward(self, label):
        angle = label[:, None] * self.frequencies
        features = torch.cat([angle.cos(), angle.sin()], dim=1)
        return F.silu(self.noise[1](F.silu(self.noise[0](features))))


class UNet(nn.Module):
    def __init__(self, channels, side, width, multipliers, blocks, attention_below, heads, groups, patch,
                 frequencies=16):
        super().__init__()
        self.patch = patch
        self.condition = Condition(frequencies, 4 * width)
        self.add_module("in", nn.Conv2d(channels * patch**2, width * multipliers[0], 3, padding=1))
        self.out = nn.ModuleDict({"norm": Norm(groups, width * multipliers[0]),
                                  "convolution": nn.Conv2d(width * multipliers[0], channels * patch**2, 3, padding=1)})

        def block(inputs, level):
            low = side // patch >> level <= attention_below
            return Block(inputs, width * multipliers[level], 4 * width, groups, heads if low else 0)

        self.down, self.up = nn.ModuleList(), nn.ModuleDict()
        c = width * multipliers[0]
        for level, multiplier in enumerate(multipliers):
            self.down.append(nn.ModuleList())
            for _ in range(blocks):
                self.down[-1].append(block(c, level))
                c = width * multiplier
        self.middle = block(c, len(multipliers) - 1)
        for level in reversed(range(len(multipliers))):
            self.up[str(level)] = nn.ModuleList()
            for _ in range(blocks):
                skipped = width * multipliers[level]
                self.up[str(level)].append(block(c + skipped, level))
                c = skipped

    def forward(self, x, label):
        condition = self.condition(label)
        h = getattr(self, "in")(F.pixel_unshuffle(x, self.patch))
        skipped = []
        for level, stages in enumerate(self.down):
            if level:
                h = F.avg_pool2d(h, 2)
            for stage in stages:
                h = stage(h, condition)
                skipped.append(h)
        h = self.middle(h, condition)
        for i, stages in enumerate(self.up.values()):
            if i:
                h = F.interpolate(h, scale_factor=2, mode="nearest")
            for stage in stages:
                h = stage(torch.cat([h, skipped.pop()], dim=1), condition)
        h = self.out["convolution"](F.silu(self.out["norm"](h)))
        return F.pixel_shuffle(h, self.patch)
