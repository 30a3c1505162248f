"""What ownmark costs on this machine's GPU: `python benchmarks/gpu.py`, or `make gpu`.

Sections run in order of importance, each figure is printed and written to the JSON file as it comes, and a section that
fails is reported and costs nothing but itself. With `--smoke` the same sections run on thin networks in a minute, on
a CPU as well. The data sets are those of the folder in OWNMARK_DATA; without them, digits.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import statistics
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from torch import nn

from ownmark.contracts import Recipe, Samples, seeded
from ownmark.discovery import discover
from ownmark.loops import Fitter, fit_together
from ownmark.loops.augment import augmentation
from ownmark.loops.batches import Batches
from ownmark.loops.schedule import rate_factor
from ownmark.methods import Kind
from ownmark.runner.progress import Silent

Figures = dict[str, Any]


@dataclass
class Bench:
    """Where and how large everything runs; `figures` grows with each section."""

    device: torch.device
    smoke: bool
    out: Path
    deadline: float
    figures: Figures = field(default_factory=dict)

    def tell(self, section: str, name: str, value: Any) -> None:
        """Print a figure and write the file anew."""
        self.figures.setdefault(section, {})[name] = value
        print(f"  {name}: {value}", flush=True)
        text = json.dumps(self.figures, indent=1)
        scratch = self.out.with_suffix(".tmp")
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, self.out)

    def wait(self) -> None:
        """Until the device has done all it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, work: Callable[[], object]) -> float:
        """Of one call, with the device idle before and after."""
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def rng(self, seed: int = 0) -> torch.Generator:
        """A fresh generator on the CPU."""
        return torch.Generator().manual_seed(seed)

    def fitter(self, seed: int = 0) -> Fitter:
        """A fresh trainer of networks."""
        return Fitter(self.device, self.rng(seed))


def network(
    host: str, params: Figures, seed: int = 0, classes: int = 10, shape: tuple[int, int, int] = (3, 32, 32)
) -> nn.Module:
    """A host with the weights of a seed."""
    with seeded(torch.Generator().manual_seed(seed)):
        built: nn.Module = discover().build(Kind.HOST, host, params).build(shape, classes)
        return built


def noise(bench: Bench, count: int, classes: int = 10) -> Samples:
    """Random images on the device: nothing but their number matters to a clock."""
    draw = bench.rng(1)
    x = torch.rand(count, 3, 32, 32, generator=draw)
    return Samples(x, torch.randint(classes, (count,), generator=draw)).to(bench.device)


def bare(model: nn.Module, samples: Samples, recipe: Recipe, bench: Bench) -> None:
    """The plain PyTorch loop that does the same work, with torch's default optimiser."""
    model.to(bench.device).to(memory_format=torch.channels_last).train()
    chosen = torch.optim.SGD(model.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay)
    batches = Batches(
        samples, recipe.batch_size, augmentation(recipe), torch.Generator(bench.device).manual_seed(0)
    )
    steps = recipe.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(chosen, lambda step: rate_factor(recipe, step, steps))
    for _ in range(recipe.epochs):
        for batch in batches:
            x = batch.x.contiguous(memory_format=torch.channels_last)
            chosen.zero_grad()
            with torch.autocast(bench.device.type, torch.bfloat16, recipe.precision == "bfloat16"):
                loss = F.cross_entropy(model(x).float(), batch.labels)
            loss.backward()
            chosen.step()
            schedule.step()


def steps(bench: Bench) -> None:
    """Seconds of a training step, next to a bare loop's: from Python, and recorded."""
    hosts: dict[str, tuple[str, Figures, int]] = {
        "convnet": ("convnet", {}, 400), "resnet-8-16": ("resnet", {"depth": 8, "width": 16}, 300),
        "resnet-18": ("resnet", {}, 60),
    }  # fmt: skip
    if bench.smoke:
        hosts = {"convnet": ("convnet", {"width": 0.25}, 25)}
    for name, (host, params, count) in hosts.items():
        recipe = Recipe(epochs=1, batch_size=8 if bench.smoke else 128, lr=0.05, augment="crop-flip")
        samples = noise(bench, count * recipe.batch_size)
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda h=host, p=params, s=samples, r=recipe: bare(network(h, p), s, r, bench),
            "eager": lambda h=host, p=params, s=samples, r=recipe: bench.fitter()(
                network(h, p), s, r.change(compile="off")
            ),
            "recorded": lambda h=host, p=params, s=samples, r=recipe: bench.fitter()(network(h, p), s, r),
        }  # type: ignore[misc]
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(2 if bench.smoke else 3):
            for way, work in ways.items():
                took[way].append(1000 * bench.seconds(work) / count)
        best = {way: statistics.median(times[1:]) for way, times in took.items()}
        bench.tell("steps", f"{name}, ms a step", {way: round(ms, 3) for way, ms in best.items()})
        bench.tell("steps", f"{name}, eager / bare speed", round(best["bare"] / best["eager"], 3))
        bench.tell("steps", f"{name}, recorded / bare speed", round(best["bare"] / best["recorded"], 3))


class Stages(Silent):
    """Tells each stage's seconds as soon as it is done."""

    def __init__(self, tell: Callable[[str, Any], None]) -> None:
        self._tell = tell
        self._seconds: dict[str, list[float]] = {}

    def finished(self, digest: str, kind: str, seconds: float) -> None:
        """A stage was computed."""
        self._seconds.setdefault(kind, []).append(round(seconds, 1))
        self._tell(f"seconds, {kind}", self._seconds[kind])


def run_plan(bench: Bench, plan: Figures, tell: Callable[[str, Any], None]) -> list[Figures]:
    """Records of a plan, from an empty store; stages are told as they are finished."""
    from ownmark.runner import run

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
        done = run(
            place / "plan.yaml", out=place / "out", store=place / "store", device=str(bench.device),
            progress=Stages(tell),
        )  # fmt: skip
        return [dict(record) for record in done.records]


def dataset(*wanted: str) -> str:
    """The first of these data sets that is there; digits if none is."""
    for name in wanted:
        with contextlib.suppress(Exception):
            discover().build(Kind.DATASET, name).check()
            return name
    return "digits"


def marked(bench: Bench) -> None:
    """Seconds and accuracy of a marked ResNet-18 with the fast recipe."""
    images = "digits" if bench.smoke else dataset("cifar10", "cifar10-small")
    host = {"convnet": {"width": 0.25, "recipe": {"epochs": 3}}}
    plan = {
        "name": "fast",
        "tasks": [{"dataset": images, "host": host if bench.smoke else {"resnet": {"recipe": {"preset": "fast"}}}}],
        "schemes": [{"uchida": {"bits": 32}}], "attacks": ["none"], "split": {"reserve": 0.0},
        "attacker": {"source": "owner"},
        "verdict": {"null_models": 1, "keys": 10},
    }  # fmt: skip
    bench.tell("marked", "dataset", images)
    records = run_plan(bench, plan, functools.partial(bench.tell, "marked"))
    utility = records[0].get("utility", {})
    bench.tell("marked", "accuracy", {name: utility.get(name) for name in ("host", "marked")})


def together(bench: Bench) -> None:
    """Twenty null models trained side by side, over three trained one after the other."""
    many, few, count = (3, 2, 160) if bench.smoke else (20, 3, 12800)
    host, params = ("convnet", {"width": 0.25}) if bench.smoke else ("resnet", {"depth": 8, "width": 16})
    recipe = Recipe(epochs=2, batch_size=8 if bench.smoke else 128, lr=0.05, augment="crop-flip")
    samples = noise(bench, count)

    def side_by_side() -> list[nn.Module]:
        return fit_together(
            [bench.fitter(i) for i in range(many)],
            [network(host, params, i) for i in range(many)],
            [samples] * many,
            recipe,
        )

    def alone() -> list[nn.Module]:
        return [bench.fitter(i)(network(host, params, i), samples, recipe) for i in range(few)]

    def from_python() -> None:
        bench.fitter()(network(host, params), samples, recipe.change(compile="off"))

    alone()
    took = {
        "together": bench.seconds(side_by_side),
        "alone": bench.seconds(alone),
        "eager": bench.seconds(from_python),
    }
    bench.tell("together", f"seconds, {many} side by side", round(took["together"], 2))
    bench.tell("together", f"seconds, {few} one by one", round(took["alone"], 2))
    bench.tell("together", "seconds, one from Python", round(took["eager"], 2))
    bench.tell(
        "together", f"{many} cost as much as how many alone", round(few * took["together"] / took["alone"], 2)
    )
    pairs = zip(side_by_side(), alone(), strict=False)
    same = all(
        torch.equal(a, b)
        for one, other in pairs
        for a, b in zip(one.parameters(), other.parameters(), strict=True)
    )
    bench.tell("together", "weights equal to the bit", same)


def classes(bench: Bench) -> None:
    """All classes in one batch, over one class after the other, for MIRA's inversion and for Neural Cleanse."""
    from ownmark_laundering.cleanse import reconstruct
    from ownmark_laundering.config import ReconstructionConfig
    from ownmark_mira.config import RecoveryConfig
    from ownmark_mira.inversion import invert

    host, params = ("convnet", {"width": 0.25}) if bench.smoke else ("resnet", {"depth": 18})
    for number in (3,) if bench.smoke else (10, 100):
        model = network(host, params, classes=number).to(bench.device).eval()
        samples = 4 if bench.smoke else 64
        start = torch.randn((number, samples, 3, 32, 32), generator=bench.rng()).to(bench.device)
        x = noise(bench, 8 if bench.smoke else 32).x

        def recover(
            at_once: int, start: torch.Tensor = start, model: nn.Module = model, m: int = samples
        ) -> object:
            return invert(
                model, start, RecoveryConfig(samples=m, iterations=2 if bench.smoke else 10, at_once=at_once)
            )

        def cleanse(
            at_once: int, x: torch.Tensor = x, model: nn.Module = model, number: int = number
        ) -> object:
            config = ReconstructionConfig(
                steps=1 if bench.smoke else 5, images=len(x), batch_size=len(x), at_once=at_once
            )
            return reconstruct(model, x, number, config, bench.rng())

        for name, work, alone in (("mira", recover, samples), ("neural_cleanse", cleanse, len(x))):
            work(10**6), work(alone)
            one_by_one, at_once = bench.seconds(lambda: work(alone)), bench.seconds(lambda: work(10**6))  # noqa: B023
            ratio = round(one_by_one / at_once, 2)
            bench.tell("classes", f"{name}, {number} classes: one by one / at once", ratio)


def rows(bench: Bench) -> None:
    """One row of a paper's table at full size, and what the whole table would take."""
    for name, scheme in (("mira-table4", "content"), ("app-table1", "app")):
        with contextlib.suppress(LookupError):
            plan = _one_row(bench, name, scheme)
            start = time.perf_counter()
            records = run_plan(
                bench, plan, lambda what, value, n=name: bench.tell("rows", f"{n}, {what}", value)
            )
            total = time.perf_counter() - start
            bench.tell("rows", f"{name}, cells", {r["cell"]["attack"]["label"]: r["status"] for r in records})
            bench.tell("rows", f"{name}, seconds a cell", round(total / max(1, len(records)), 1))


def _one_row(bench: Bench, name: str, scheme: str) -> Figures:
    """A named plan with one scheme and one seed.

    Raises:
        LookupError: it is not installed, or has no such scheme.
    """
    from ownmark.runner.session import named_plan

    catalog = discover()
    if name not in catalog.ids(Kind.PLAN):
        raise LookupError(name)
    plan: Figures = yaml.safe_load(named_plan(catalog.find(Kind.PLAN, name).target))
    chosen = [entry for entry in plan["schemes"] if scheme in (entry if isinstance(entry, dict) else {entry})]
    if not chosen:
        raise LookupError(scheme)
    fast = {"resnet": {"recipe": {"preset": "fast"}}}
    thin = {"convnet": {"width": 0.25, "recipe": {"epochs": 2}}}
    plan |= {
        "tasks": [{"dataset": dataset("cifar10", "cifar10-small"), "host": fast}], "schemes": chosen[:1],
        "seeds": [0], "verdict": {"rate": 0.34, "null_models": 2, "keys": 20},
    }  # fmt: skip
    if bench.smoke:
        plan.pop("controls", None)  # which name attacks that are left out here
        plan |= {
            "tasks": [{"dataset": {"digits": {"limit_train": 300, "limit_test": 100}}, "host": thin}],
            "schemes": [{"content": {"keys": 10}}], "attacks": ["none", {"finetune": {"recipe": {"epochs": 1}}}],
            "attacker": {"data": 50, "source": "owner"},
        }  # fmt: skip
    return plan


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "steps": steps, "marked": marked, "together": together, "classes": classes, "rows": rows,
}  # fmt: skip


@contextlib.contextmanager
def reported(bench: Bench, name: str) -> Iterator[None]:
    """Seconds and peak memory of a section; an error in it ends only itself."""
    print(f"{name}: {(SECTIONS[name].__doc__ or '').splitlines()[0]}", flush=True)
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bench.device)
    start = time.perf_counter()
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        bench.tell(name, "error", f"{type(error).__name__}: {error}"[:300])
    bench.tell(name, "seconds", round(time.perf_counter() - start, 1))
    if bench.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(bench.device) / 2**30
        bench.tell(name, "peak memory, GiB", round(peak, 2))


def about(device: torch.device) -> Figures:
    """The machine, in a few words."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    return {
        "device": name, "torch": torch.__version__, "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
    }  # fmt: skip


def main() -> int:
    """Run the sections; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="thin networks, a minute, any device")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="file for the figures")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--minutes", type=float, default=8.0, help="no section starts after so many minutes")
    options = parser.parse_args()
    cuda = torch.cuda.is_available()
    if not cuda and not options.smoke:
        print("there is no CUDA device; --smoke runs everything small on the CPU")
        return 2
    device = torch.device("cuda", 0) if cuda else torch.device("cpu")
    if options.smoke and not cuda:
        torch.set_num_threads(1)
    bench = Bench(device, options.smoke, options.out, time.monotonic() + 60 * options.minutes)
    for name, value in about(device).items():
        bench.tell("machine", name, value)
    for name in options.only:
        if time.monotonic() > bench.deadline:
            bench.tell(name, "skipped", f"{options.minutes} minutes are over")
            continue
        with reported(bench, name):
            SECTIONS[name](bench)
    return 1 if any("error" in found for found in bench.figures.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
