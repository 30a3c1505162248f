"""Weights under other names, in other precision, in other widths."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import outputs
from ownmark.contracts.loading import load_weights, no_numbers, require_numbers
from ownmark.errors import Unreadable

State = dict[str, Tensor]


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(108, 4)).eval()


class Wrapped(nn.Module):
    """Keeps its layers where wrappers keep the network."""

    def __init__(self) -> None:
        super().__init__()
        self.module = plain()

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.module(x)
        return answer


def renamed(change: Callable[[str], str]) -> Callable[[State], State]:
    return lambda state: {change(name): tensor for name, tensor in state.items()}


FORMS: dict[str, Callable[[State], State]] = {
    "as it is": dict,
    "DataParallel": renamed(lambda n: f"module.{n}"),
    "compiled": renamed(lambda n: f"_orig_mod.{n}"),
    "compiled, then DataParallel": renamed(lambda n: f"module._orig_mod.{n}"),
    "Lightning": renamed(lambda n: f"model.{n}"),
    "deep inside": renamed(lambda n: f"student.net.backbone.{n}"),
    "with a loss beside it": lambda s: {**{f"net.{n}": t for n, t in s.items()}, "loss.weight": torch.ones(2)},
    "a compiled part": lambda s: {n.replace("module.", "module._orig_mod.") if "module." in n else f"_orig_mod.{n}": t
                                  for n, t in s.items()},
    "half": lambda s: {n: t.half() if t.is_floating_point() else t for n, t in s.items()},
    "without counters": lambda s: {n: t for n, t in s.items() if "num_batches" not in n},
}  # fmt: skip


@pytest.mark.parametrize("make", [plain, Wrapped])
@pytest.mark.parametrize("form", FORMS)
def test_every_spelling_of_a_checkpoint_gives_the_network_back(
    make: Callable[[], nn.Module], form: str
) -> None:
    torch.manual_seed(0)
    network, other = make().eval(), make().eval()
    x = torch.rand(5, 1, 8, 8)
    loaded = load_weights(other, FORMS[form](network.state_dict()))
    assert torch.allclose(outputs(loaded, x), outputs(network, x), atol=1e-2 if form == "half" else 1e-6)


def test_a_wrapped_network_takes_what_was_saved_of_the_inside() -> None:
    torch.manual_seed(0)
    inside = plain()
    load_weights(network := Wrapped().eval(), inside.state_dict())
    x = torch.rand(5, 1, 8, 8)
    assert torch.equal(outputs(network, x), outputs(inside, x))


@pytest.mark.parametrize("prefixes", [("model.", "ema."), ("student.", "teacher.")])
def test_two_different_networks_in_one_file_are_not_guessed_between(prefixes: tuple[str, str]) -> None:
    state = {f"{prefix}{name}": t for prefix in prefixes for name, t in plain().state_dict().items()}
    with pytest.raises(Unreadable, match="several networks"):
        load_weights(plain(), state)


@pytest.mark.parametrize(
    "state",
    [
        {"0.weight": torch.zeros(3, 1, 3, 3)},
        {**plain().state_dict(), "9.weight": torch.zeros(4)},
        {**plain().state_dict(), "3.weight": torch.zeros(4, 108, 1, 1)},
        {},
    ],
    ids=["parts missing", "a layer more", "a convolution for a linear layer", "empty"],
)
def test_another_structure_is_refused_with_the_names(state: State) -> None:
    with pytest.raises(Unreadable, match=r"missing|not expected|other dimensions"):
        load_weights(plain(), state)


def test_a_layer_takes_the_width_of_its_weights_and_says_so() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    state = network.state_dict()
    state["0.weight"] = torch.cat([state["0.weight"], torch.ones(1, 6)])
    state["0.bias"] = torch.cat([state["0.bias"], torch.ones(1)])
    state["2.weight"] = torch.cat([state["2.weight"], torch.zeros(4, 1)], 1)
    x = torch.rand(7, 6)
    expected = outputs(network, x)
    other = load_weights(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)), state)
    assert torch.allclose(outputs(other, x), expected)
    assert (other[0].out_features, other[2].in_features) == (6, 6)  # type: ignore[index]


def test_weights_without_any_number_are_no_suspect() -> None:
    with pytest.raises(Unreadable, match="not numbers"):
        require_numbers(no_numbers(plain()))
    partly = plain()
    partly[3].bias.data.fill_(torch.inf)  # type: ignore[index]
    assert require_numbers(partly) is partly
