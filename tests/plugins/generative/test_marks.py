"""Both marks, and the transforms that take them: transposed convolutions, `view` after Linear, LSTM states."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ownmark.contracts import Batch, Goal, HostView, Key, Samples, Stolen, Task, WhiteBox, black_box, outputs
from ownmark.discovery import discover
from ownmark.errors import NotApplicable, Unreadable
from ownmark.loops import Fitter
from ownmark.methods import Kind
from ownmark_generative.captioner.config import CaptionerConfig
from ownmark_generative.captioner.network import CaptionNetwork
from ownmark_generative.dcgan.config import DCGANConfig
from ownmark_generative.dcgan.host import DCGAN
from ownmark_generative.ipr_gan.config import IPRGANConfig, LogosConfig
from ownmark_generative.ipr_gan.extractor import Logos, ScaleSigns
from ownmark_generative.ipr_gan.logo import corner, drawn_logo, likeness, pasted, triggered
from ownmark_generative.ipr_gan.scheme import IPRGAN, scales, set_signs, sign_loss, still_norms
from ownmark_generative.ipr_ic.config import IPRICConfig
from ownmark_generative.ipr_ic.extractor import StateSigns
from ownmark_generative.ipr_ic.scheme import IPRIC, state_loss
from ownmark_generative.signs import bits_of, repeated

CPU = torch.device("cpu")
MOVES = ("neuron_scale", "layer_shuffle", "sign_flip", "unified")


def drawn(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """A network whose norms have seen something, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = make().eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
    return network


def generator(seed: int = 0) -> nn.Module:
    return drawn(lambda: DCGAN(DCGANConfig(latent=12, width=16)).build((1, 8, 8), 10), seed)


def captioner(seed: int = 0) -> CaptionNetwork:
    config = CaptionerConfig(width=8, hidden=160, words=12, attention=10, length=6)
    network = drawn(lambda: CaptionNetwork(3, 30, config), seed)
    assert isinstance(network, CaptionNetwork)
    return network


def gan_task() -> Task:
    x = torch.rand((64, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    return Task("t", (1, 8, 8), 10, Samples(x), goal=Goal.GENERATION)


def caption_task() -> Task:
    rng = torch.Generator().manual_seed(0)
    x = torch.rand((40, 3, 16, 16), generator=rng)
    return Task(
        "t",
        (3, 16, 16),
        30,
        Samples(x, torch.randint(4, 30, (40, 2, 6), generator=rng)),
        goal=Goal.CAPTIONING,
    )


def transformed(move: str, network: nn.Module, task: Task, seed: int = 1) -> nn.Module:
    attack = discover().build(Kind.ATTACK, move)
    attack.check(network, task.shape, task.classes)
    loot = Stolen(network, task.shape, task.classes, goal=task.goal)
    left: nn.Module = attack.attack(
        loot, Fitter(CPU, torch.Generator()), torch.Generator().manual_seed(seed)
    ).network
    return left


def signed(network: nn.Module) -> Key:
    scheme = IPRGAN(IPRGANConfig(logo="none"))
    scheme.check(network, gan_task())
    key = scheme.make_key(gan_task(), torch.Generator().manual_seed(0))
    count = sum(map(len, scales(network)))
    bits = repeated(key.values["message"], count) ^ key["pad"][:count]
    set_signs(network, bits)
    return key.add({"bits": bits})


@pytest.mark.parametrize("move", MOVES)
def test_a_transformed_generator_makes_the_same_pictures_without_its_signs(move: str) -> None:
    network = generator()
    key = signed(network)
    z = torch.randn((50, 12), generator=torch.Generator().manual_seed(2))
    assert ScaleSigns().extract(WhiteBox(network), key).rate == 1
    left = transformed(move, network, gan_task())
    assert float((outputs(left, z) - outputs(network, z)).abs().max()) < 1e-5
    rate = ScaleSigns().extract(WhiteBox(left), key).rate
    assert rate == 1 if move == "neuron_scale" else 0.25 < rate < 0.75
    changed = sum(not torch.equal(a, b) for a, b in zip(left.parameters(), network.parameters(), strict=True))
    assert changed >= 4


@torch.no_grad()
@pytest.mark.parametrize("move", MOVES)
def test_a_transformed_captioner_says_the_same_without_its_signs(move: str) -> None:
    network, task = captioner(), caption_task()
    scheme = IPRIC(IPRICConfig())
    scheme.check(network, task)
    key = scheme.make_key(task, torch.Generator().manual_seed(0))
    network.state_key.copy_(2 * key["signs"][:160].float() - 1)
    hidden = network.first_state(key["pictures"])
    bits = (hidden.mean(0) > 0).to(torch.uint8)
    key = Key(
        "ipr_ic",
        {**key.tensors, "bits": bits, "pad": bits ^ repeated(key.values["message"], 160)},
        key.values,
    )
    before = StateSigns().extract(WhiteBox(network), key)
    left = transformed(move, network, task)
    assert torch.equal(outputs(left, task.owner.x), outputs(network, task.owner.x))
    after = StateSigns().extract(WhiteBox(left), key)
    assert before.rate > 0.9
    if move == "neuron_scale":
        assert torch.equal(after.matches, before.matches)
    else:
        assert 0.35 < after.rate < 0.65
        assert not torch.equal(left.cell.weight_hh, network.cell.weight_hh)  # type: ignore[union-attr]
        producers = ("start_hidden.2.weight", "start_cell.2.weight")
        assert all(not torch.equal(left.state_dict()[n], network.state_dict()[n]) for n in producers)


@pytest.mark.slow
def test_signs_and_logo_are_learnt_and_others_keys_read_nothing() -> None:
    task, scheme = gan_task(), IPRGAN(IPRGANConfig(triggers=12))
    host = DCGAN(DCGANConfig(latent=12, width=8, critic_width=4))
    recipe = host.recipe.change(epochs=25, lr=5e-3, batch_size=16)

    def blank(rng: torch.Generator) -> nn.Module:
        return drawn(lambda: host.build(task.shape, 10)).train()

    view = HostView(lambda: blank(torch.Generator()), blank, recipe, tuple(host.terms()))
    key = scheme.make_key(task, torch.Generator().manual_seed(0))
    marked = scheme.embed(view, key, task, Fitter(CPU, torch.Generator().manual_seed(1)))
    network = marked.network.eval()
    assert ScaleSigns().extract(WhiteBox(network), marked.key).rate == 1
    assert min(float(scale.detach().abs().min()) for scale in scales(network)) > 0.05
    own = Logos(LogosConfig()).extract(black_box(network, goal=Goal.GENERATION), marked.key)
    unmarked = Logos(LogosConfig()).extract(black_box(generator(), goal=Goal.GENERATION), marked.key)
    assert own.extras["ssim"] > 0.6 > 0.3 > unmarked.extras["ssim"]  # type: ignore[operator]
    assert own.hits > unmarked.hits
    fresh = [scheme.make_key(task, torch.Generator().manual_seed(i)) for i in range(1, 40)]
    rates = [ScaleSigns().extract(WhiteBox(network), one).rate for one in fresh]
    assert sum(rates) / len(rates) == pytest.approx(0.5, abs=0.06)


def test_losses_are_the_papers() -> None:
    network = generator()
    gamma = scales(network)
    bits = torch.randint(2, (sum(map(len, gamma)),), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    signs = 2 * bits.float() - 1
    parts = signs.split([len(g) for g in gamma])
    expected = sum(
        float(torch.clamp(0.1 - g.detach() * s, min=0).mean()) for g, s in zip(gamma, parts, strict=True)
    )
    batch = Batch(torch.zeros(2, 1, 8, 8), None, torch.arange(2))
    assert float(sign_loss(bits, 0.1, 3.0)(network, batch, 0)) == pytest.approx(3 * expected, rel=1e-5)
    speaker, x = captioner(), torch.rand(5, 3, 16, 16)
    bits = torch.randint(2, (160,), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    hidden = speaker.first_state(x)
    expected = float(torch.clamp(0.1 - hidden * (2 * bits.float() - 1), min=0).sum(1).mean())
    found = state_loss(bits, 0.1, 0.5)(speaker, Batch(x, None, torch.arange(5)), 0)
    assert float(found) == pytest.approx(0.5 * expected, rel=1e-5)


def test_triggers_leave_the_statistics_of_norms_alone() -> None:
    network = generator().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with still_norms(network):
        network(torch.randn(6, 12))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(m.track_running_stats for m in network.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)], ids=str)
def test_a_logo_lies_in_the_corner(shape: tuple[int, ...]) -> None:
    logo = drawn_logo(shape, torch.Generator().manual_seed(0))
    x = torch.rand(3, *shape)
    marked = pasted(x, logo)
    assert torch.equal(corner(marked, logo), logo.expand(3, *logo.shape))
    assert likeness(marked, logo).tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert float(likeness(x, logo).max()) < 0.6
    assert torch.equal(marked[:, :, : shape[1] // 2], x[:, :, : shape[1] // 2])


def test_latents_hold_the_constant_where_the_mask_says() -> None:
    mask = torch.tensor([True, False, True])
    assert triggered(torch.tensor([[1.0, 2.0, 3.0]]), mask, -10).tolist() == [[-10, 2, -10]]


def test_texts_go_on_and_on() -> None:
    assert repeated("A", 18).tolist() == [*bits_of("A").tolist(), *bits_of("A").tolist(), 0, 1]
    assert repeated("", 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "suspect", [nn.Flatten(), nn.Sequential(nn.Linear(3, 3)), nn.BatchNorm2d(3)], ids=str
)
def test_strangers_are_unreadable(suspect: nn.Module) -> None:
    key = signed(generator())
    with pytest.raises(Unreadable):
        ScaleSigns().extract(WhiteBox(suspect), key)
    with pytest.raises(Unreadable):
        StateSigns().extract(
            WhiteBox(suspect), IPRIC(IPRICConfig()).make_key(caption_task(), torch.Generator())
        )


def test_hosts_without_what_carries_the_mark_are_refused() -> None:
    with pytest.raises(NotApplicable):
        IPRGAN(IPRGANConfig()).check(nn.Linear(3, 3), gan_task())
    with pytest.raises(NotApplicable):
        IPRIC(IPRICConfig()).check(nn.Linear(3, 3), caption_task())
