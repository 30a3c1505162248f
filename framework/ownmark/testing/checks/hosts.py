"""Checks of hosts."""

from __future__ import annotations

import torch
from torch import fx, nn

from ownmark.contracts import Form, Goal, Host, Samples, outputs, seeded
from ownmark.contracts.returned import built
from ownmark.contracts.tasks import Shape
from ownmark.errors import NotApplicable
from ownmark.methods import Kind
from ownmark.runner.asking import JUDGED
from ownmark.runner.seeds import rng_for
from ownmark.testing.check import CheckFailed, Inapplicable, check, require
from ownmark.testing.states import ambient, digest_of, disturbed, listed, state_of, stirred, unfinished
from ownmark.testing.subject import Subject

SHAPE, CLASSES = (3, 32, 32), 10


def _sees_pictures(subject: Subject) -> bool:
    """Whether it can be tried on any pictures; other hosts are on the dataset of their `smoke_host`."""
    host: Host = subject.instance
    return host.takes is Form.PIXELS and host.goal is Goal.CLASSIFICATION


def _judged(subject: Subject) -> None:
    """Its answers are what is judged."""
    needs = subject.catalog.find(
        Kind.METRIC, subject.instance.utility, subject.declaration.distribution
    ).needs
    if JUDGED[subject.instance.goal] not in needs:
        raise Inapplicable(f"its utility is {subject.instance.utility}, which judges no such answers")


def _classifier(subject: Subject) -> None:
    if not _sees_pictures(subject):
        raise Inapplicable(f"it is for {subject.instance.goal} of {subject.instance.takes}")
    _judged(subject)


def _built(subject: Subject, seed: int = 0, shape: Shape | None = None) -> nn.Module:
    sizes, classes = (shape or SHAPE), CLASSES
    if not _sees_pictures(subject):
        sizes, classes = subject.bench.splits.shape, subject.bench.splits.classes
    with seeded(rng_for("kit host", seed)):
        return built(subject.instance, sizes, classes)


def _asked(subject: Subject, count: int) -> torch.Tensor:
    """What its networks are asked, [count, ...]."""
    if _sees_pictures(subject):
        return _images(count)
    host: Host = subject.instance
    return host.questions(subject.bench.splits.test.first(count), rng_for("kit host", "questions"))


def _images(count: int) -> torch.Tensor:
    return torch.rand((count, *SHAPE), generator=torch.Generator().manual_seed(0))


@check(Kind.HOST)
def host_build_follows_from_seed(subject: Subject) -> None:
    """One seed gives one initialisation, two seeds give two; global random state stays."""
    before = ambient()
    first = digest_of(_built(subject).state_dict())
    harmed = disturbed(before)
    require(
        not harmed, f"{subject.label}: build changes {listed(harmed)}; initialise through torch's defaults"
    )
    with stirred():
        again = digest_of(_built(subject).state_dict())
    advice = "draw initial weights from torch's own generator, which the core seeds"
    require(first == again, f"{subject.label}: build gives two networks for one seed; {advice}")
    other = digest_of(_built(subject, 1).state_dict())
    require(first != other, f"{subject.label}: build gives the same weights for two seeds; {advice}")


@check(Kind.HOST)
def host_takes_pixels(subject: Subject) -> None:
    """Any pixels in [0, 1] are answered with finite [N, classes]; other hosts answer as their goal says."""
    _judged(subject)
    network = _built(subject)
    if not _sees_pictures(subject):
        _require_answers(subject, network)
        return
    for x in (_images(4), torch.zeros(4, *SHAPE), torch.ones(4, *SHAPE)):
        try:
            found = outputs(network, x)
        except Exception as error:
            raise CheckFailed(
                f"{subject.label} fails on {list(x.shape)} images, for which it was built ({type(error).__name__}: "
                f"{error}); take the size from build's `shape`, or let build raise NotApplicable"
            ) from error
        require(
            found.shape == (4, CLASSES) and bool(torch.isfinite(found).all()),
            f"{subject.label} answers {list(found.shape)}, or not finitely, for 4 images of {CLASSES} classes",
        )
        sums = (found.sum(1) - 1).abs() < 1e-4
        require(
            not bool((sums & (found >= 0).all(1)).all()),
            f"{subject.label} answers with probabilities; give logits, of which the loss takes the softmax",
        )


def _require_answers(subject: Subject, network: nn.Module) -> None:
    splits, found = subject.bench.splits, outputs(network, _asked(subject, 4))
    goal, what = subject.instance.goal, f"{subject.label} answers"
    require(bool(torch.isfinite(found).all()), f"{what} not finitely")
    if goal is Goal.CAPTIONING:
        fits = found.ndim == 2 and found.dtype == torch.int64 and int(found.max()) < splits.classes
        require(
            fits and int(found.min()) >= 0, f"{what} {found.dtype} {list(found.shape)}; give token ids [N, L]"
        )
        return
    wanted = [4, splits.classes] if goal is Goal.CLASSIFICATION else [4, *splits.shape]
    require(list(found.shape) == wanted, f"{what} {list(found.shape)}, expected {wanted}")


@check(Kind.HOST, thorough=True)
def host_answers_image_by_image(subject: Subject) -> None:
    """In eval mode an image's answer does not depend on those that it is asked with."""
    _judged(subject)
    network, x = _built(subject), _asked(subject, 6)
    together = outputs(network, x)
    alone = torch.cat([outputs(network, image[None]) for image in x])
    require(
        torch.allclose(together.float(), alone.float(), atol=1e-4),
        f"{subject.label}: an image is answered otherwise in a batch of six than alone; take no statistics of the "
        "batch outside of training",
    )


@check(Kind.HOST, thorough=True)
def host_takes_shape_and_classes(subject: Subject) -> None:
    """Grey and colour, square or not, ten classes or three: the network fits, or build raises NotApplicable."""
    _classifier(subject)
    for shape, classes in (((1, 28, 28), 3), ((3, 40, 32), 3), ((1, 8, 8), 7), ((4, 32, 32), 10)):
        try:
            with seeded(rng_for("kit host", 0)):
                network = built(subject.instance, shape, classes)
        except NotApplicable:
            continue
        except Exception as error:
            raise CheckFailed(
                f"{subject.label}: build raises {type(error).__name__} ({error}) for {shape} images; raise "
                "NotApplicable"
            ) from error
        try:
            found = list(outputs(network, torch.rand(2, *shape)).shape)
        except Exception as error:
            raise CheckFailed(
                f"{subject.label} builds a network for {shape} images that fails on them ({error})"
            ) from error
        require(
            found == [2, classes],
            f"{subject.label} answers {found} for 2 images of {classes} classes; take `classes` from build's arguments",
        )


@check(Kind.HOST)
def host_state_is_complete(subject: Subject) -> None:
    """The state dict holds everything: put into another instance, it gives the same answers."""
    _judged(subject)
    first, second = _built(subject), _built(subject, 1)
    second.load_state_dict(state_of(first))
    x = _asked(subject, 8)
    require(
        torch.equal(outputs(first, x), outputs(second, x)),
        f"{subject.label}: answers depend on more than the state dict; keep constants in buffers",
    )


@check(Kind.HOST)
def host_can_be_traced(subject: Subject) -> None:
    """torch.fx can trace the network, which methods that follow its structure need."""
    _classifier(subject)
    network = _built(subject).eval()
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:
        raise CheckFailed(
            f"{subject.label} cannot be traced by torch.fx ({type(error).__name__}: {error}); let forward take no "
            "decision that depends on values of tensors"
        ) from error
    x = _images(4)
    same = torch.equal(outputs(traced, x), outputs(network, x))
    require(same, f"{subject.label}: its traced network answers otherwise; let forward have no side effects")


@check(Kind.HOST)
def host_refuses_tiny_images(subject: Subject) -> None:
    """One-pixel images are refused with NotApplicable, or the network answers them."""
    _classifier(subject)
    try:
        network = _built(subject, shape=(1, 1, 1))
    except NotApplicable:
        return
    except Exception as error:
        raise CheckFailed(
            f"{subject.label}: build raises {type(error).__name__} ({error}) for one-pixel images; raise NotApplicable"
        ) from error
    try:
        outputs(network, torch.rand(4, 1, 1, 1))
    except Exception as error:
        raise CheckFailed(
            f"{subject.label} builds a network for one-pixel images that fails on them ({error}); let build raise "
            "NotApplicable"
        ) from error


@check(Kind.HOST)
def host_trains(subject: Subject) -> None:
    """An epoch of its recipe on a few images changes the weights and leaves them finite."""
    _judged(subject)
    host, fit = subject.instance, subject.bench.fitter("host check")
    network = _built(subject)
    before = digest_of(network.state_dict())
    samples = Samples(_images(32), torch.arange(32) % CLASSES)
    if not _sees_pictures(subject):
        samples = subject.bench.splits.owner.first(32)
    fit(
        network, samples, host.recipe.change(epochs=1), terms=tuple(host.terms()),
        transforms=tuple(host.transforms()),
    )  # fmt: skip
    state = state_of(network)
    require(digest_of(state) != before, f"{subject.label}: an epoch of its recipe changes nothing")
    require(
        not unfinished(state), f"{subject.label}: an epoch of its recipe leaves weights that are not finite"
    )
