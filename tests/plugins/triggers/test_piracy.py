"""Piracy-resistant marks: the pattern against a few lines of numpy, both embeddings, and what verification counts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ownmark.contracts import Batch, BlackBox, HostView, Key, Samples, Task, black_box, predictions
from ownmark.errors import NotApplicable
from ownmark.loops import Fitter
from ownmark.stats import calibrated_threshold
from ownmark_triggers.piracy.config import PiracyConfig
from ownmark_triggers.piracy.extractor import PiracyExtractor, signature_valid, weaker_half
from ownmark_triggers.piracy.filters import dual_embedding, embedded
from ownmark_triggers.piracy.scheme import Piracy, key_mark
from ownmark_triggers.piracy.signature import Mark, mark_of

SHAPES = [(channels, side, side + 1) for channels in (1, 3) for side in (8, 28, 32, 33, 64)]


def scheme(**changes: Any) -> Piracy:
    return Piracy(PiracyConfig(**changes))


def signature_of(key: Key) -> bytes:
    return bytes(key["signature"].tolist())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pattern_place_and_label_are_hashes_of_the_signature(
    shape: tuple[int, int, int], random_task: Any, rng: Any
) -> None:
    task = random_task(shape)
    key = scheme(keys=10).make_key(task, rng(0))
    secret, message = bytes.fromhex(key.values["private_key"]), key.values["message"].encode()
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(message)
    assert signature == signature_of(key)
    n = min(6, shape[1] // 3)
    digits = f"{int(hashlib.sha256(signature).hexdigest(), 16):0256b}"[-n * n :]
    signs = np.array([1.0 if digit == "1" else -1.0 for digit in digits]).reshape(n, n)
    top = int(hashlib.sha384(signature).hexdigest(), 16) % (shape[1] - n)
    left = int(hashlib.sha512(signature).hexdigest(), 16) % (shape[2] - n)
    null, true = key["triggers"].reshape(2, 10, *shape).numpy()
    assert (null[:, :, top : top + n, left : left + n] == 2.5 * signs).all()
    assert (true[:, :, top : top + n, left : left + n] == -2.5 * signs).all()
    null[:, :, top : top + n, left : left + n] = true[:, :, top : top + n, left : left + n] = 0
    assert np.array_equal(null, true)
    target = int(hashlib.sha224(signature).hexdigest(), 16) % 10
    assert (key["labels"][10:] == target).all()
    assert (key["labels"][:10] != target).all()


def test_key_is_a_function_of_the_generator_and_survives_the_disk(
    task: Task, rng: Any, tmp_path: Any
) -> None:
    key = scheme().make_key(task, rng(3))
    key.save(tmp_path / "key.safetensors")
    assert key.digest() == scheme().make_key(task, rng(3)).digest()
    assert key.digest() == Key.load(tmp_path / "key.safetensors").digest()
    assert signature_of(key) != signature_of(scheme().make_key(task, rng(4)))


def test_block_lies_inside_the_image_for_any_signature() -> None:
    for number in range(200):
        mark = mark_of(number.to_bytes(64, "big"), 6, 8, 9, 10)
        assert 0 <= mark.top <= 2
        assert 0 <= mark.left <= 3
        assert 0 <= mark.target < 10


def test_clipping_gives_black_and_white() -> None:
    mark = Mark(torch.tensor([[1, 0]], dtype=torch.uint8).expand(2, 2), 1, 1, 0)
    x = torch.full((1, 1, 4, 4), 0.5)
    null = embedded(x, mark, 2.5, null=True, clip=True)
    assert null[0, 0, 1, 1:3].tolist() == [1.0, 0.0]
    assert torch.equal(null + embedded(x, mark, 2.5, null=False, clip=True), torch.ones_like(x))
    assert (x == 0.5).all()


def test_batches_carry_a_tenth_of_either_embedding(rng: Any) -> None:
    mark = Mark(torch.ones(2, 2, dtype=torch.uint8), 0, 0, 7)
    x, y = torch.rand(80, 1, 8, 8), torch.arange(80) % 5
    batch = dual_embedding(mark, 2.5, 0.1, False)(Batch(x, y, torch.arange(80)), rng(0))
    assert torch.equal(batch.x[:80], x)
    assert (batch.x[80:90, :, :2, :2] == 2.5).all()
    assert (batch.x[90:, :, :2, :2] == -2.5).all()
    assert batch.index[80:].tolist() == [-1] * 20
    assert (batch.labels[90:] == 7).all()
    of = {row[:, 2:].numpy().tobytes(): int(label) for row, label in zip(x, y, strict=True)}
    assert [of[row[:, 2:].numpy().tobytes()] for row in batch.x[80:90]] == batch.labels[80:90].tolist()
    assert len(dual_embedding(mark, 2.5, 0.1, False)(Batch(x[:1], y[:1], torch.arange(1)), rng(0)).x) == 3


def test_evidence_is_the_half_with_fewer_matches() -> None:
    for null, true in (([1, 1, 1, 0], [1, 0, 0, 0]), ([0, 0, 1, 0], [1, 1, 1, 1])):
        found = weaker_half(torch.tensor(null + true).bool(), valid=True)
        assert found.rate == min(sum(null), sum(true)) / 4
        assert (found.extras["null"], found.extras["true"]) == (sum(null) / 4, sum(true) / 4)
        assert found.chance is None


def test_accurate_or_obedient_alone_proves_nothing(task: Task, rng: Any) -> None:
    key = scheme(keys=20).make_key(task, rng(0))
    target = key_mark(key).target
    always = BlackBox(lambda x: torch.full((len(x),), target))
    truth = dict(
        zip((row.numpy().tobytes() for row in key["triggers"]), key["labels"][:20].repeat(2), strict=True)
    )
    accurate = BlackBox(lambda x: torch.stack([truth[row.numpy().tobytes()] for row in x]))
    assert PiracyExtractor().extract(always, key).extras["true"] == 1.0
    assert PiracyExtractor().extract(accurate, key).extras["null"] == 1.0
    assert PiracyExtractor().extract(always, key).hits == PiracyExtractor().extract(accurate, key).hits == 0


def test_a_signature_that_does_not_verify_matches_nowhere(task: Task, rng: Any) -> None:
    key = scheme(keys=20).make_key(task, rng(0))
    answers = BlackBox(lambda x: key["labels"])
    assert PiracyExtractor().extract(answers, key).rate == 1.0
    for forged in (
        key.add(message="I, Mallory, 1999"),
        key.add(public_key="00" * 32),
        key.add(public_key="00"),
    ):
        assert not signature_valid(forged)
        assert PiracyExtractor().extract(answers, forged).hits == 0


def test_another_signature_reads_another_pattern(task: Task, rng: Any) -> None:
    key, other = (scheme(keys=20, side=4).make_key(task, rng(seed)) for seed in (0, 1))
    swapped = replace(key, tensors={**key.tensors, "signature": other["signature"]})
    seen: list[torch.Tensor] = []

    def answer(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return torch.zeros(len(x), dtype=torch.int64)

    for one in (key, swapped):
        PiracyExtractor().extract(BlackBox(answer), one)
    assert torch.equal(seen[0], key["triggers"])
    assert not torch.equal(seen[1], key["triggers"])


def test_many_keys_read_as_one_by_one(task: Task, rng: Any) -> None:
    keys = [scheme(keys=n).make_key(task, rng(n)) for n in (3, 7)]
    suspect = BlackBox(lambda x: (x.flatten(1).sum(1) > 15).long())
    together = PiracyExtractor().extract_many(suspect, keys)
    assert [one.hits for one in together] == [PiracyExtractor().extract(suspect, key).hits for key in keys]
    assert PiracyExtractor().extract_many(suspect, []) == []


def test_training_goes_on_with_the_keys_own_images_until_they_are_known(
    host: HostView, task: Task, rng: Any
) -> None:
    """One epoch does not teach them; what is then shown beside fresh embeddings are the key's images, unharmed."""
    build = scheme(keys=50)
    key = build.make_key(task, rng(0))
    brief = replace(host, recipe=host.recipe.change(epochs=1))
    found: dict[int, float] = {}
    for extra in (0, 30):
        fit = Fitter(torch.device("cpu"), rng(0))
        marked = scheme(keys=50, extra_epochs=extra).embed(brief, key, task, fit)
        found[extra] = PiracyExtractor().extract(black_box(marked.network), key).rate
        assert marked.key.digest() == key.digest()
    assert found[0] < 0.9
    assert found[30] == 1.0


@pytest.mark.parametrize("side", [8, 20])
def test_block_must_fit(side: int, task: Task) -> None:
    with pytest.raises(NotApplicable, match=re.escape(f"side {side} does not fit 8 x 8 pixels; at most 7")):
        scheme(side=side).check(torch.nn.Identity(), task)


def test_target_must_be_a_class(task: Task) -> None:
    with pytest.raises(NotApplicable, match="target 10"):
        scheme(target=10).check(torch.nn.Identity(), task)


def check_seed(seed: int, host: HostView, task: Task, test: Samples, networks: Any, rng: Any) -> None:
    build, reader = scheme(), PiracyExtractor()
    marked = build.embed(host, build.make_key(task, rng(seed)), task, Fitter(torch.device("cpu"), rng(seed)))
    found = reader.extract(black_box(marked.network), marked.key)
    assert found.rate == 1.0
    clean, unmarked = (
        (predictions(n, test.x) == test.labels).float().mean() for n in (marked.network, networks(0))
    )
    assert clean >= unmarked - 0.02
    keys = [build.make_key(task, rng(50 + i)) for i in range(20)]
    others = [marked.key, *(build.make_key(task, rng(90 + i)) for i in range(9))]
    nulls = [[one.hits for one in reader.extract_many(black_box(networks(i)), keys)] for i in range(4)]
    theta = calibrated_threshold(nulls, found.n, 0.05).theta
    assert found.rate >= theta
    claims = [
        one.rate >= theta for i in range(4, 7) for one in reader.extract_many(black_box(networks(i)), others)
    ]
    assert sum(claims) <= 4  # of 30; 1.5 expected at the stated rate, and claims of one key come together
    fresh = reader.measure(black_box(marked.network), marked.key, test)
    assert fresh["wsr"].value > 0.95
    assert fresh["null_accuracy"].value > 0.9
    assert fresh["wsr"].n == int((test.labels != key_mark(marked.key).target).sum())


def test_marked_network_obeys_and_ignores_and_nulls_are_rejected(
    host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    check_seed(0, host, task, digits[1], networks, rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_so_do_other_seeds(
    seed: int, host: HostView, task: Task, digits: tuple[Samples, Samples], networks: Any, rng: Any
) -> None:
    check_seed(seed, host, task, digits[1], networks, rng)


@pytest.mark.parametrize("chosen", ["strength", "carriers"])
def test_a_key_chosen_so_that_accuracy_passes_for_a_mark_matches_nowhere(
    chosen: str, task: Task, rng: Any
) -> None:
    key = scheme(keys=20).make_key(task, rng(0))
    target = key_mark(key).target
    if chosen == "strength":
        forged = key.add(strength=1e-3)
    else:
        forged = key.add({"labels": torch.full_like(key["labels"], target)})
    obliging = BlackBox(lambda x: forged["labels"])
    assert PiracyExtractor().extract(obliging, forged).hits == 0
