"""The lottery ticket's mark, recomputed with numpy from saved weights and the saved key; what it refuses."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import nn

from ownmark.contracts import HostView, Key, Marked, Recipe, Samples, Task, WhiteBox, predictions
from ownmark.errors import MethodUnavailable, NotApplicable, Unreadable
from ownmark.methods import Declaration
from ownmark_whitebox.lottery import ownmark_extractors, ownmark_schemes
from ownmark_whitebox.lottery.config import LotteryConfig, LotteryReaderConfig
from ownmark_whitebox.lottery.extractor import LotteryExtractor, decode, read
from ownmark_whitebox.lottery.masks import best_place, plane, prune, similarity, write
from ownmark_whitebox.lottery.modules import function_modules, restored
from ownmark_whitebox.lottery.qr import make_code
from ownmark_whitebox.lottery.scheme import Lottery

Rng = Callable[[int], torch.Generator]
TEXT = "this is my signature"
SMALL: dict[str, Any] = {"rounds": 4, "rate": 0.5}


def _free() -> np.ndarray:
    """Modules outside of three corners of 9 x 9, the alignment pattern, row and column 6 of version 3."""
    free = np.ones((29, 29), dtype=bool)
    free[:9, :9] = free[:9, -9:] = free[-9:, :9] = free[20:25, 20:25] = False
    free[6, :] = free[:, 6] = False
    return free


FREE = _free()


def embedded(seed: int, task: Task, host: HostView, fit: Any, rng: Rng, **config: Any) -> Marked:
    scheme = Lottery(LotteryConfig(**{**SMALL, **config}))
    return scheme.embed(host, scheme.make_key(task, rng(seed)), task, fit)


def extractor(dense: Any = "rank") -> LotteryExtractor:
    return LotteryExtractor(LotteryReaderConfig(dense=dense))


def expected_code() -> np.ndarray:
    """29 x 29, 1 for white."""
    code = segno.make(TEXT, version=3, error="H", micro=False, boost_error=False)
    return 1 - np.array([list(row) for row in code.matrix])


@pytest.fixture(scope="module")
def shelf() -> dict[str, Marked]:
    """Keeps the marked network for the tests of this file."""
    return {}


@pytest.fixture
def marked(shelf: dict[str, Marked], task: Task, host: HostView, fit: Any, rng: Rng) -> Marked:
    if not shelf:
        shelf["first"] = embedded(0, task, host, fit, rng)
    return shelf["first"]


def test_extraction_equals_numpy_on_saved_files(
    marked: Marked, host: HostView, rng: Rng, tmp_path: Path
) -> None:
    save_file(marked.network.state_dict(), tmp_path / "weights.safetensors")
    marked.key.save(tmp_path / "key.safetensors")
    key = Key.load(tmp_path / "key.safetensors")
    layer, (row, column) = key.values["layer"], key.values["place"]
    weight = load_file(tmp_path / "weights.safetensors")[f"{layer}.weight"]
    modules = (weight != 0).any(axis=(2, 3))[row : row + 29, column : column + 29]
    found = extractor().extract(WhiteBox(marked.network), key)
    assert np.array_equal(found.matches.numpy(), (modules == expected_code())[FREE])
    assert found.extras["all modules right"] == 1.0
    assert np.array_equal(modules, expected_code())
    dense = host.blank(rng(9))
    sizes = np.abs(dense.state_dict()[f"{layer}.weight"].numpy()).sum((2, 3))[
        row : row + 29, column : column + 29
    ]
    limit = np.sort(sizes.reshape(-1))[-expected_code().sum()]
    found = extractor().extract(WhiteBox(dense), key)
    assert np.array_equal(found.matches.numpy(), ((sizes >= limit) == expected_code())[FREE])


def test_code_scans_and_costs_no_accuracy(
    marked: Marked, host: HostView, task: Task, digits: tuple[Samples, Samples], fits: Any
) -> None:
    found = extractor().extract(WhiteBox(marked.network), marked.key)
    assert (found.rate, found.n, found.chance, found.symbol) == (1.0, 551, None, "bit")
    assert (found.extras["decoded"], found.extras["text"]) == ("yes", TEXT)
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


def test_released_weights_are_sparse_and_carry_no_masks(marked: Marked, host: HostView, rng: Rng) -> None:
    state = marked.network.state_dict()
    assert state.keys() == host.blank(rng(0)).state_dict().keys()
    pruned = torch.cat([state[f"features.{i}.conv.weight"].flatten() for i in (1, 2)])
    assert float((pruned != 0).float().mean()) == pytest.approx(0.5**4, abs=0.002)
    assert bool((state["features.0.conv.weight"] != 0).all())


def test_pictures_show_the_code_as_it_is_and_as_it_was_read(marked: Marked) -> None:
    reader = LotteryExtractor(LotteryReaderConfig())
    pictures = reader.exhibits(WhiteBox(marked.network), marked.key)["code expected and read"]
    assert pictures.shape == (2, 1, 37 * 4, 37 * 4)
    assert torch.equal(pictures[0], pictures[1])
    shuffled = copy.deepcopy(marked.network)
    weight = shuffled.get_submodule(marked.key.values["layer"]).weight
    weight.data = weight.data.flip(0)
    code, read = reader.exhibits(WhiteBox(shuffled), marked.key)["code expected and read"]
    assert torch.equal(code, pictures[0])
    assert not torch.equal(read, code)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_three_seeds(
    seed: int, task: Task, host: HostView, fits: Any, rng: Rng, digits: tuple[Samples, Samples]
) -> None:
    marked = embedded(seed, task, host, fits(), rng)
    found = extractor().extract(WhiteBox(marked.network), marked.key)
    assert (found.rate, found.extras["decoded"]) == (1.0, "yes")
    assert_keeps_accuracy(marked.network, host, task, digits, fits())


def test_another_code_is_written_over_a_ticket(
    marked: Marked, host: HostView, task: Task, fits: Any, rng: Rng
) -> None:
    stolen = replace(host, trained=lambda: copy.deepcopy(marked.network))
    other = embedded(5, task, stolen, fits(), rng, start="trained", message="mine", recipe={"epochs": 3})
    found = extractor().extract(WhiteBox(other.network), other.key)
    assert (found.rate, found.extras["text"]) == (1.0, "mine")
    ours = extractor().extract(WhiteBox(other.network), marked.key)
    assert ours.rate == pytest.approx(0.5, abs=0.07)
    assert other.exhibits["weights left"] == pytest.approx(marked.exhibits["weights left"], abs=0.01)


def test_a_dense_host_is_pruned_once_to_what_the_rounds_would_leave(
    host: HostView, task: Task, fits: Any, rng: Rng
) -> None:
    found = embedded(0, task, host, fits(), rng, start="trained", recipe={"epochs": 1})
    assert extractor().extract(WhiteBox(found.network), found.key).rate == 1.0
    assert found.exhibits["weights left"] == pytest.approx(0.5**4, abs=0.002)


def test_a_forged_code_lies_where_it_resembles_the_network_most(
    marked: Marked, task: Task, fit: Any, rng: Rng
) -> None:
    scheme = Lottery(LotteryConfig(message="mine"))
    key = scheme.forge("elsewhere", marked.network, scheme.make_key(task, rng(5)), task.owner, fit, Recipe())
    found = extractor().extract(WhiteBox(marked.network), key)
    planes = {
        name: (module.weight != 0).flatten(2).any(2).numpy()
        for name, module in marked.network.named_modules()
        if isinstance(module, nn.Conv2d) and min(module.weight.shape[:2]) >= 29
    }
    code = key["code"].numpy()
    best = max(
        float((drawn[r : r + 29, c : c + 29] == code).mean())
        for drawn in planes.values()
        for r in range(drawn.shape[0] - 28)
        for c in range(drawn.shape[1] - 28)
    )
    assert found.extras["all modules right"] == pytest.approx(best)
    assert found.extras["decoded"] == "no"


@pytest.mark.slow
def test_another_ticket_does_not_read_as_ours(
    marked: Marked, task: Task, host: HostView, fits: Any, rng: Rng
) -> None:
    for seed in range(3):
        other = embedded(seed, task, host, fits(), rng, bits=32)
        found = extractor().extract(WhiteBox(other.network), marked.key)
        assert found.rate == pytest.approx(0.5, abs=0.07)
        assert found.extras["decoded"] == "no"


def assert_keeps_accuracy(
    network: nn.Module, host: HostView, task: Task, digits: tuple[Samples, Samples], fit: Any
) -> None:
    plain = fit(host.blank(fit.rng), task.owner, host.recipe, terms=host.terms)
    ours, theirs = (
        float((predictions(n, digits[1].x) == digits[1].labels).float().mean()) for n in (network, plain)
    )
    assert ours >= theirs - 0.01


def test_dense_networks_match_half_of_the_modules(marked: Marked, host: HostView, rng: Rng) -> None:
    nulls = [host.blank(rng(seed)) for seed in range(20)]
    ranked = [extractor().extract(WhiteBox(null), marked.key).rate for null in nulls]
    assert np.mean(ranked) == pytest.approx(0.5, abs=0.03)
    assert 0.005 < np.std(ranked) < 0.04
    white = {extractor("white").extract(WhiteBox(null), marked.key).rate for null in nulls}
    assert white == {float(expected_code()[FREE].mean())}


def test_a_few_broken_modules_still_scan() -> None:
    code = make_code(TEXT, 3, "H").bool()
    free = (~function_modules(29)).nonzero()[::40]
    code[tuple(free.T)] ^= True
    assert len(free) == 14
    assert decode(code) == TEXT
    assert decode(torch.ones(29, 29, dtype=torch.bool)) is None


def test_function_modules_are_those_of_the_authors() -> None:
    assert int(function_modules(29).sum()) == 290
    one, other = make_code(TEXT, 3, "H").bool(), make_code("something else", 3, "H").bool()
    fixed = function_modules(29)
    data = restored(other, one)
    assert torch.equal(data[fixed], one[fixed])
    assert torch.equal(data[~fixed], other[~fixed])


@pytest.mark.parametrize(("density", "denser"), [(0.04, True), (0.4, False)])
def test_writing_a_code_keeps_the_number_of_weights(density: float, denser: bool) -> None:
    rng = torch.Generator().manual_seed(0)
    mask, weight = torch.rand(40, 36, 3, 3, generator=rng) < density, torch.randn(40, 36, 3, 3, generator=rng)
    code = make_code(TEXT, 3, "H")
    new = write(mask, code, (5, 3), weight, rng)
    assert torch.equal(plane(new)[5:34, 3:32], code.bool())
    assert int(new.sum()) == int(mask.sum())
    outside = torch.ones(40, 36, dtype=torch.bool)
    outside[5:34, 3:32] = False
    changed = (new != mask)[outside]
    assert bool(changed.any()) == denser
    if denser:  # what was taken away outside were the smallest
        taken, kept = weight.abs()[outside][changed], weight.abs()[outside][new[outside]]
        assert taken.max() <= kept.min()


def test_the_most_similar_place_is_found() -> None:
    code, rng = make_code(TEXT, 3, "H"), torch.Generator().manual_seed(0)
    masks = {name: torch.rand(33, 35, 1, 1, generator=rng) < 0.5 for name in "ab"}
    masks["b"][2:31, 4:33, 0, 0] = code.bool()
    scores = similarity(plane(masks["b"]), code)
    assert scores.shape == (5, 7)
    assert scores[0, 1].item() == pytest.approx(
        float((plane(masks["b"])[0:29, 1:30] == code.bool()).float().mean())
    )
    assert best_place(masks, code) == ("b", (2, 4))


def test_pruning_takes_the_smallest_of_all_layers() -> None:
    weights = {"a": torch.tensor([[5.0, -1.0, 3.0]]), "b": torch.tensor([[-2.0, 4.0, 0.5]])}
    masks = {"a": torch.tensor([[True, True, True]]), "b": torch.tensor([[True, True, False]])}
    pruned = prune(weights, masks, 0.4)
    assert pruned["a"].tolist() == [[True, False, True]]
    assert pruned["b"].tolist() == [[False, True, False]]


def test_a_single_empty_kernel_makes_a_network_sparse() -> None:
    code, weight = make_code(TEXT, 3, "H"), torch.ones(29, 29, 3, 3)
    assert int(read(weight, code, (0, 0), "rank").sum()) == int(code.sum())
    weight[3, 4] = 0
    assert int(read(weight, code, (0, 0), "rank").sum()) == 840


def test_key_is_a_pure_function_of_its_randomness(task: Task, rng: Rng) -> None:
    scheme = Lottery(LotteryConfig(bits=40))
    assert scheme.make_key(task, rng(1)).digest() == scheme.make_key(task, rng(1)).digest()
    assert scheme.make_key(task, rng(1)).digest() != scheme.make_key(task, rng(2)).digest()
    assert len(scheme.make_key(task, rng(1)).values["text"]) == 10


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"message": "this is my signature, and more"}, "30 bytes does not fit into a QR code of version 3 at level H"),
        ({"version": 4}, r"33 x 33 modules needs .*; layer 'features.1.conv' is no such"),
        ({"layer": "features.0.conv"}, r"layer 'features.0.conv' is no such convolution among: features.1"),
        ({"layer": "conv9"}, "no convolution or linear layer 'conv9'"),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit(config: dict[str, Any], words: str, task: Task, host: HostView) -> None:
    with pytest.raises(NotApplicable, match=words):
        Lottery(
            LotteryConfig(**{**({"layer": "features.1.conv"} if "version" in config else {}), **config})
        ).check(host.trained(), task)


def test_no_convolution_is_wide_enough(task: Task) -> None:
    network = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Conv2d(16, 64, 3))
    with pytest.raises(
        NotApplicable, match=r"29 x 29 modules .*there is no convolution among: 1 \(64 x 16\)"
    ):
        Lottery(LotteryConfig()).check(network, task)


def test_a_key_that_was_never_embedded_cannot_be_read(task: Task, host: HostView, rng: Rng) -> None:
    with pytest.raises(NotApplicable, match="does not say where the code is"):
        extractor().extract(WhiteBox(host.trained()), Lottery(LotteryConfig()).make_key(task, rng(0)))


def test_suspect_of_another_architecture(marked: Marked) -> None:
    with pytest.raises(Unreadable, match="the suspect has no layer 'features"):
        extractor().extract(WhiteBox(nn.Sequential(nn.Conv2d(3, 8, 3))), marked.key)


@pytest.mark.parametrize(
    ("declared", "package"),
    [(ownmark_schemes, "segno"), (ownmark_extractors, "zxingcpp")],
    ids=["scheme", "extractor"],
)
def test_missing_package_is_named_with_its_extra(
    declared: Callable[[], list[Declaration]], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("ownmark_whitebox.lottery.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in [package, *(name for name in sys.modules if name.partition(".")[0] == package)]:
        monkeypatch.setitem(sys.modules, module, None)
    (declaration,) = declared()
    with pytest.raises(MethodUnavailable, match=r"pip install 'ownmark-whitebox\[lottery\]'"):
        replace(declaration, distribution="ownmark-whitebox").load()
