"""Which layer carries a mark if nobody names one: a real kernel, never a gate, and a linear layer in transformers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ownmark.errors import NotApplicable
from ownmark_whitebox.layers import widest_convolution, widest_layer

SHAPE = (3, 16, 16)


class Gate(nn.Module):
    """Squeeze and excitation: one factor a channel, made from the channels' means by 1x1 convolutions."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.excite(self.squeeze(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Attention(nn.Module):
    """Patches, one attention block and one MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 4, stride=4)
        self.block = nn.TransformerEncoderLayer(24, 2, 96, batch_first=True)
        self.head = nn.Linear(24, 200)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def closing() -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def residual_net_with_gate() -> nn.Module:
    """A gate that reads more channels than any kernel has inputs."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 12, 3), nn.Conv2d(12, 512, 1), Gate(512, 64), *closing(), nn.Linear(512, 4)
    )  # fmt: skip


def mobile_net_with_gate() -> nn.Module:
    """Depthwise and pointwise convolutions alone: the gate has as many inputs as the projection, and more outputs."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.Conv2d(16, 64, 1), nn.Conv2d(64, 64, 3, groups=64), Gate(64, 32),
        nn.Conv2d(64, 24, 1), *closing(), nn.Linear(24, 4),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("network", "layer"),
    [(residual_net_with_gate, "1"), (mobile_net_with_gate, "4")],
    ids=["kernels", "pointwise"],
)
@pytest.mark.parametrize("choose", [widest_convolution, widest_layer])
def test_no_gate_is_chosen(choose, network, layer) -> None:
    made = network().train()
    assert choose(made, SHAPE) == layer
    assert all(module.training and not module._forward_pre_hooks for module in made.modules())


def test_a_network_of_single_positions_keeps_its_widest_convolution() -> None:
    tiny = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 8, 1), nn.Conv2d(8, 9, 1), nn.Flatten())
    assert widest_convolution(tiny, SHAPE) == "2"


def test_transformers_carry_it_in_the_widest_linear_layer_but_the_head() -> None:
    assert widest_layer(Attention(), SHAPE) == "block.linear2"
    with pytest.raises(NotApplicable, match=r"name a layer of: patches.*block.linear1"):
        widest_convolution(Attention(), SHAPE)


def test_a_network_of_one_layer_is_refused() -> None:
    with pytest.raises(NotApplicable, match="name a layer of: 1"):
        widest_layer(nn.Sequential(nn.Flatten(), nn.Linear(768, 10)), SHAPE)


def test_real_kernels_come_before_wider_pointwise_ones() -> None:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 200, 3), nn.Conv2d(200, 16, 1), nn.Conv2d(16, 20, 3)
    )
    assert widest_convolution(made, SHAPE) == "3"
