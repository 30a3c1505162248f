"""Generator, critic and captioner: shapes, search, and two players in the one loop."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ownmark.contracts import Batch, Samples
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark_generative.captioner.config import CaptionerConfig
from ownmark_generative.captioner.host import Captioner, next_word
from ownmark_generative.captioner.network import CaptionNetwork, ended
from ownmark_generative.captions.words import END, PADDING
from ownmark_generative.dcgan.config import DCGANConfig
from ownmark_generative.dcgan.host import DCGAN, Hinge
from ownmark_generative.dcgan.networks import Critic, Generator

CPU = torch.device("cpu")
SMALL = CaptionerConfig(width=4, hidden=12, words=8, attention=6, length=5, dropout=0.0)


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_a_generator_makes_pictures_of_the_datas_shape(side: int) -> None:
    host = DCGAN(DCGANConfig(latent=10, width=4, critic_width=4))
    network = host.build((3, side, side), 10).eval()
    questions = host.questions(Samples(torch.rand(3, 3, side, side)), torch.Generator().manual_seed(0))
    made = network(questions)
    assert made.shape == (3, 3, side, side)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1
    assert Critic((3, side, side), 4)(made).shape == (3,)


@pytest.mark.parametrize("shape", [(1, 6, 6), (1, 66, 66), (1, 30, 34), (3, 28, 44)], ids=str)
def test_sides_that_cannot_be_made_are_refused(shape: tuple[int, ...]) -> None:
    if shape == (3, 28, 44):
        assert DCGAN(DCGANConfig()).build(shape, 1)(torch.zeros(2, 128)).shape == (2, *shape)
        return
    with pytest.raises(NotApplicable):
        DCGAN(DCGANConfig()).build(shape, 1)


class Watched(Hinge):
    """Keeps its rivals and the losses' sizes."""

    def __init__(self) -> None:
        super().__init__(4)
        self.rivals: list[nn.Module] = []
        self.steps: list[int] = []

    def rival(self, network: nn.Module) -> nn.Module:
        self.rivals.append(super().rival(network))
        return self.rivals[-1]

    def play(self, rival: nn.Module, network: nn.Module, batch: Batch, step: int) -> Tensor:
        self.steps.append(step)
        assert not any(parameter.requires_grad for parameter in rival.parameters())
        return super().play(rival, network, batch, step)


def played(clip: float = 0.0) -> tuple[nn.Module, Watched, Fitter]:
    host, duel = DCGAN(DCGANConfig(latent=6, width=4, critic_width=4)), Watched()
    fit = Fitter(CPU, torch.Generator().manual_seed(3))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = host.build((1, 8, 8), 10)
    samples = Samples(torch.rand((40, 1, 8, 8), generator=torch.Generator().manual_seed(0)))
    recipe = host.recipe.change(epochs=2, batch_size=10, clip=clip)
    return fit(network, samples, recipe, terms=(duel,)), duel, fit


def test_both_players_learn_in_the_one_loop_and_the_same_way_twice() -> None:
    (first, duel, fit), (second, _, _) = played(), played()
    assert duel.steps == list(range(8))
    assert fit.samples_seen == 80
    assert len(duel.rivals) == 1
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    assert not any("rival" in name for name in first.state_dict())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        fresh = DCGAN(DCGANConfig(latent=6, width=4, critic_width=4)).build((1, 8, 8), 10)
    assert not torch.equal(first.out.weight, fresh.out.weight)  # type: ignore[union-attr]


def test_gradients_of_both_players_are_clipped() -> None:
    moved = {clip: played(clip)[0].state_dict()["out.weight"] for clip in (0.0, 1e-9)}
    assert not torch.equal(moved[0.0], moved[1e-9])


def test_a_duel_is_no_loss_by_itself() -> None:
    with pytest.raises(NotApplicable, match="two players"):
        Hinge(4)(nn.Identity(), Batch(torch.zeros(1), None, torch.zeros(1)), 0)


def test_hinge_losses_are_the_papers() -> None:
    network, batch = Generator((1, 8, 8), 5, 2).eval(), Batch(torch.rand(6, 1, 8, 8), None, torch.arange(6))

    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1) - 32

    torch.manual_seed(0)
    made = Sum()(network(torch.randn(6, 5)))
    for loss, expected in (
        (Hinge(4).resist, (1 - Sum()(batch.x)).clamp(min=0).mean() + (1 + made).clamp(min=0).mean()),
        (Hinge(4).play, -made.mean()),
    ):
        torch.manual_seed(0)
        assert float(loss(Sum(), network, batch, 0)) == pytest.approx(float(expected), rel=1e-5)


def captioner(beam: int = 1) -> CaptionNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        config = CaptionerConfig(width=4, hidden=12, words=8, attention=6, length=5, beam=beam)
        return CaptionNetwork(3, 9, config).eval()


def likelihood(network: CaptionNetwork, x: Tensor, texts: Tensor) -> Tensor:
    gain = (network.taught(x, texts) + network.forbidden).log_softmax(2)
    found = gain.gather(2, texts[:, :, None])[:, :, 0]
    return found.masked_fill(texts == PADDING, 0).sum(1)


@torch.no_grad()
def test_greedy_takes_the_likeliest_next_word() -> None:
    network, x = captioner(), torch.rand(6, 3, 16, 16)
    texts = network(x)
    assert texts.shape == (6, 5)
    assert texts.dtype == torch.int64
    best = (network.taught(x, texts) + network.forbidden).argmax(2)
    assert torch.equal(ended(best), texts)


@torch.no_grad()
@pytest.mark.parametrize("width", [1, 3, 6])
def test_beam_search_is_never_less_likely_than_greedy_where_it_is_wide(width: int) -> None:
    network, x = captioner(), torch.rand(8, 3, 16, 16)
    greedy, found = network.greedy(x), network.searched(x, width)
    if width == 1:
        assert torch.equal(found, greedy)
    gain = likelihood(network, x, found) - likelihood(network, x, greedy)
    assert float(gain.mean()) >= -1e-5


def test_nothing_is_said_after_the_end() -> None:
    texts = torch.tensor([[5, END, 6, END, 7], [END, END, 5, 5, 5], [5, 6, 7, 8, 4]])
    assert ended(texts).tolist() == [[5, END, 0, 0, 0], [END, 0, 0, 0, 0], [5, 6, 7, 8, 4]]


def test_a_captioner_learns_what_a_picture_shows() -> None:
    host, rng = Captioner(SMALL), torch.Generator().manual_seed(0)
    x = torch.rand((40, 3, 8, 8), generator=rng) / 3
    shows = torch.arange(40) % 2
    x[shows == 1, 0] += 0.6
    text = torch.stack([4 + shows, torch.full_like(shows, 6), torch.full_like(shows, END)], 1)
    samples = Samples(x, nn.functional.pad(text, (0, 2))[:, None].expand(-1, 2, -1).contiguous())
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = host.build((3, 8, 8), 8)
    network = Fitter(CPU, rng)(
        network, samples, host.recipe.change(epochs=12, lr=0.02, batch_size=10), terms=(next_word,)
    )
    with torch.no_grad():
        assert (network(x) == samples.labels[:, 0]).all(1).float().mean() > 0.95
