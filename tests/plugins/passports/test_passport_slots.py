"""Which layers take passports, in every built-in host, and what is refused before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from ownmark.builtin.hosts.config import ResNetConfig, VGGConfig, WideResNetConfig
from ownmark.builtin.hosts.resnet import ResNet
from ownmark.builtin.hosts.vgg import VGG
from ownmark.builtin.hosts.wide_resnet import WideResNet
from ownmark.contracts import Host, Key, Samples, Task, WhiteBox, outputs
from ownmark.errors import NotApplicable, Unreadable
from ownmark_passports.branches import TwoBranch, insert, private_branch, private_state, release
from ownmark_passports.deepipr.config import DeepIPRConfig
from ownmark_passports.deepipr.scheme import DeepIPR, grouped
from ownmark_passports.keys import completed
from ownmark_passports.passport_aware.config import PassportAwareConfig
from ownmark_passports.passport_aware.scheme import PassportAware
from ownmark_passports.reading import PassportExtractor
from ownmark_passports.slots import choose, trace

SHAPE = (3, 32, 32)
HOSTS = {
    "resnet": (ResNet(ResNetConfig()), 20, 4800, 2560),
    "resnet with groups": (ResNet(ResNetConfig(depth=8, width=32, norm="group")), 9, 672, 384),
    "vgg": (VGG(VGGConfig(depth=11, width=0.25)), 8, 688, 512),
    "wide_resnet": (WideResNet(WideResNetConfig(k=2)), 4, 240, 128),
}


def empty(shape: tuple[int, int, int] = SHAPE) -> Task:
    return Task("none", shape, 10, Samples(torch.zeros(0, *shape), torch.zeros(0, dtype=torch.int64)))


@pytest.fixture(params=HOSTS, ids=str)
def known(request: pytest.FixtureRequest) -> tuple[Host, int, int, int]:
    return HOSTS[request.param]


def test_slots_of_the_built_in_hosts(known: Any) -> None:
    host, slots, channels, widest = known
    found = trace(host.build(SHAPE, 10), SHAPE)
    assert len(found.slots) == slots
    assert sum(slot.channels for slot in found.slots) == channels
    assert sum(slot.channels for slot in choose(found, "widest")) == widest


def test_two_branches_can_be_put_in_and_taken_out(known: Any, rng: Any) -> None:
    network = known[0].build(SHAPE, 10).eval()
    x = torch.rand(4, *SHAPE, generator=rng(0))
    scheme = PassportAware(PassportAwareConfig(message="ok"))
    before = outputs(network, x)
    key = completed(scheme.make_key(empty(), rng(1)), network)
    insert(network, key)
    assert torch.equal(outputs(network, x), before)
    with private_branch(network):
        assert not torch.allclose(outputs(network, x), before)
    release(network)
    assert torch.equal(outputs(network, x), before)
    assert not any(isinstance(module, TwoBranch) for module in network.modules())


def test_norms_that_both_branches_pass_keep_private_statistics(rng: Any) -> None:
    network = HOSTS["wide_resnet"][0].build(SHAPE, 10)
    scheme = DeepIPR(DeepIPRConfig(message="ok"))
    key = completed(scheme.make_key(empty(), rng(0)), network)
    assert (key.values["layers"], key.values["shared"]) == (["layer3.0.conv1"], ["norm"])
    insert(scheme.prepared(network, key), key)
    network.train()
    with private_branch(network):
        network(torch.rand(8, *SHAPE, generator=rng(1)))
    assert network.norm.public.num_batches_tracked == 0
    assert network.norm.private.num_batches_tracked == 1
    assert set(private_state(network)) == {
        f"private.norm.private.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    }


def test_groups_keep_scale_and_bias_of_the_batch_norm(rng: Any) -> None:
    network = nn.Sequential(nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32))
    nn.init.uniform_(network[1].weight, generator=rng(0))
    weight = network[1].weight.clone()
    norm = grouped(network, ["1"])[1]
    assert (norm.num_groups, norm.num_channels) == (2, 32)
    assert torch.equal(norm.weight, weight)


@pytest.mark.parametrize(
    "scheme",
    [DeepIPR(DeepIPRConfig()), PassportAware(PassportAwareConfig())],
    ids=["deepipr", "passport_aware"],
)
def test_hosts_without_norm_are_refused(scheme: Any, bench: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="build the host with a norm"):
        scheme.check(bench.blank("none", rng(0)), empty((1, 8, 8)))


def test_too_few_channels_are_refused(bench: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="160 bits do not fit into 128 channels"):
        DeepIPR(DeepIPRConfig()).check(bench.blank("group", rng(0), width=1.0), empty((1, 8, 8)))


def test_channels_that_make_no_groups_are_refused(bench: Any, rng: Any) -> None:
    with pytest.raises(NotApplicable, match="no groups of 16"):
        DeepIPR(DeepIPRConfig(message="ok")).check(bench.blank("batch", rng(0), width=0.4), empty((1, 8, 8)))


def test_unknown_layers_are_named(bench: Any, rng: Any) -> None:
    scheme = DeepIPR(DeepIPRConfig(layers=("features.2.conv", "nowhere")))
    with pytest.raises(NotApplicable, match=r"no passport can sit at nowhere; it can at: features\.0\.conv"):
        scheme.check(bench.blank("group", rng(0)), empty((1, 8, 8)))


def test_check_leaves_the_host_alone(bench: Any, rng: Any) -> None:
    network = bench.blank("batch", rng(0))
    before = {name: type(module) for name, module in network.named_modules()}
    DeepIPR(DeepIPRConfig()).check(network, empty((1, 8, 8)))
    assert {name: type(module) for name, module in network.named_modules()} == before


def test_key_of_another_host_is_refused(case: Any, bench: Any, rng: Any) -> None:
    with pytest.raises(Unreadable, match=r"no convolution 'features\.1\.conv'"):
        PassportExtractor().extract(WhiteBox(HOSTS["resnet"][0].build(SHAPE, 10)), case.marked.key)
    with pytest.raises(Unreadable, match="the key expects"):
        PassportExtractor().extract(WhiteBox(bench.blank("batch", rng(0), width=1.0)), case.marked.key)


def test_fresh_keys_are_pure_functions_of_the_seed(bench: Any, rng: Any) -> None:
    scheme = DeepIPR(DeepIPRConfig(variant="V3", passports="shuffled"))
    network = bench.blank("group", rng(0))

    def drawn(seed: int) -> Key:
        return completed(scheme.make_key(bench.task, rng(seed)), network)

    assert drawn(0).digest() == drawn(0).digest()
    assert drawn(0).digest() != drawn(1).digest()
