"""What many processes and many cells cost, as ratios of one run: `python benchmarks/scale.py [SECTION ...]`.

- `sleep`: 24 ready stages that sleep, on 1, 2, 4 and 8 workers, as processes that share a store and as Ray tasks.
  Speed-up is the sum of all sleep over the time from the first worker's start to the last one's end, all workers warm;
  a wait is a worker that does nothing for a quarter of a second while a stage is ready.
- `start`: the same plan, cold, as whole commands on two workers: when the first stage starts, wall and CPU seconds.
- `trainings`: `triggers-digits` cut small: two workers of one thread each over one process of two.
- `cells`: seconds for each cell that the store holds at 100, 1,000 and 10,000 cells, and the report of the most.
  Most of the store is filled with copies: attacks that do nothing leave the same results under other digests.

`--folder` keeps plans and stores for another run; `--smoke` runs everything at a small size.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "tests" / "runner"))
from bureau import Bureau  # noqa: E402

WAYS = ("processes", "ray")
STAGES = 24
WAIT = 0.25
"""Seconds of doing nothing that count as a wait."""
WARM = 100
"""Stages with numbers from here on warm workers up."""
SLEEPS = """
name: sleeps
tasks: [{{dataset: dots, host: dot}}]
schemes:
  - {{id: sleepy, params: {{seconds: {seconds}}}, sweep: {{number: [{main}]}}}}
  - {{id: sleepy, params: {{seconds: 1}}, sweep: {{number: [{warm}]}}}}
verdict: {{null_models: 1, keys: 1}}
"""
TRAININGS = """
name: trainings
tasks: [{{dataset: {{digits: {{limit_train: {images}}}}}, host: {{convnet: {{recipe: {{epochs: {epochs}}}}}}}}}]
schemes: [content, noise, unrelated, patch]
seeds: [0, 1]
verdict: {{rate: 0.05, null_models: {nulls}, keys: 5}}
metrics: []
"""
CELLS = """
name: cells
tasks: [{{dataset: dots, host: dot}}]
schemes: [{{id: sleepy, sweep: {{number: [0, 1]}}}}]
attacks: [{{id: nap, sweep: {{number: [{numbers}]}}}}]
verdict: {{null_models: 1, keys: 1}}
"""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    seconds: tuple[float, ...] = (5.0, 1.0)
    workers: tuple[int, ...] = (1, 2, 4, 8)
    ways: tuple[str, ...] = WAYS
    images: int = 1500
    epochs: int = 8
    nulls: int = 6
    repeats: int = 3
    cells: tuple[int, ...] = (100, 1000, 10_000)


SMOKE = Size((0.3,), (1, 2), WAYS, 250, 1, 1, 1, (10, 20))


def main() -> None:
    """Measure the sections that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--out", type=Path, help="Figures as JSON.")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--seconds", type=float, nargs="+", help="Of sleep (default: 5 and 1).")
    parser.add_argument("--workers", type=int, nargs="+", help="Numbers of them (default: 1, 2, 4 and 8).")
    parser.add_argument("--ways", nargs="+", choices=WAYS, help="Of sharing the work (default: all).")
    asked = parser.parse_args()
    unknown = sorted(set(asked.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    size, found = SMOKE if asked.smoke else Size(), dict[str, Any]()
    given = {name: tuple(value) for name in ("seconds", "workers", "ways") if (value := getattr(asked, name))}
    size = replace(size, **given)
    with folder_or_scratch(asked.folder) as folder:
        print(f"{os.cpu_count()} cores, {platform.platform()}, load {os.getloadavg()[0]:.1f}", flush=True)
        for name in asked.sections:
            found[name] = SECTIONS[name](folder / name, size)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


@contextmanager
def folder_or_scratch(folder: Path | None) -> Iterator[Path]:
    """A folder that stays, or one that goes."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)


# --- sleeping stages ------------------------------------------------------------------------------------------


def sleep(folder: Path, size: Size) -> dict[str, Any]:
    """Speed-up and waits on k workers."""
    found = {}
    for seconds in size.seconds:
        numbers = ", ".join(map(str, range(STAGES)))
        warm = ", ".join(str(WARM + i) for i in range(3 * max(size.workers)))
        place = Bureau(folder / f"{seconds:g}", SLEEPS.format(seconds=seconds, main=numbers, warm=warm))
        for way in size.ways:
            for k in size.workers:
                began, ended = (as_ray if way == "ray" else as_processes)(
                    place, f"{way}-{k}-{time.time():.0f}", k
                )
                spans = stage_spans(next(place.folder.glob(f"{way}-{k}-*-store")), began)
                assert len(spans) == STAGES, spans
                speedup = STAGES * seconds / (ended - began)
                idle, waits = idleness(spans, k, began)
                found[f"{way}, {k} workers, {seconds:g} s"] = speedup / k
                print(
                    f"sleep: {STAGES} stages of {seconds:g} s, {k} {way}: speed-up {speedup:.2f} = "
                    f"{speedup / k:.3f} k, {waits} waits while a stage is ready, {idle:.2%} of the workers' time",
                    flush=True,
                )
    return found


def as_processes(place: Bureau, name: str, k: int) -> tuple[float, float]:
    """When k processes on one store began, and when the last of them ended."""
    go = place.folder / f"{name}-go"
    command = [sys.executable, str(HERE), "--share", f"{name}-store", str(go)]
    children = [
        subprocess.Popen([*command, str(i)], cwd=place.folder, env=place.environment, stdout=subprocess.PIPE, text=True)
        for i in range(k)
    ]  # fmt: skip
    while not all(Path(f"{go}-{i}").exists() for i in range(k)):
        assert all(child.poll() is None for child in children), "a process failed"
        time.sleep(0.05)
    began = time.time()
    go.touch()
    return began, max(float(child.communicate()[0].split()[-1]) for child in children)


def share(store: str, go: str, which: str) -> None:
    """One of these processes."""
    from ownmark.runner.execute import InProcess

    _, main = sleeping_work(store)
    Path(f"{go}-{which}").touch()
    while not Path(go).exists():
        time.sleep(0.005)
    list(InProcess().run(main))
    print(time.time())


def as_ray(place: Bureau, name: str, k: int) -> tuple[float, float]:
    """The same of k Ray workers."""
    command = [sys.executable, str(HERE), "--ray", f"{name}-store", str(k)]
    done = subprocess.run(
        command, cwd=place.folder, env=place.environment, stdout=subprocess.PIPE, text=True, check=True
    )
    began, ended = map(float, done.stdout.split()[-2:])
    return began, ended


def tasks(store: str, k: str) -> None:
    """The driver, whose workers have computed something else before."""
    from ownmark.runner.cluster import OnRay
    from ownmark.runner.cluster.connecting import connected

    warm, main = sleeping_work(store)
    with connected(int(k), None):
        list(OnRay(int(k)).run(warm))
        began = time.time()
        list(OnRay(int(k)).run(main))
        print(began, time.time())


def sleeping_work(store: str) -> tuple[Any, Any]:
    """The plan's sleeping stages as two graphs, to warm up with and to measure; their host is computed."""
    from ownmark.runner.cell import expand
    from ownmark.runner.execute import Work
    from ownmark.runner.graph import Graph
    from ownmark.runner.session import prepare

    session = prepare("plan.yaml", f"out-{os.getpid()}", store, "cpu", None, None)
    nodes = {cell: session.making.marked(cell) for cell in expand(session.plan)}
    for node in nodes.values():
        session.engine.get(node.parents[0])
    chosen: dict[bool, dict[Any, Any]] = {True: {}, False: {}}
    for cell, node in nodes.items():
        chosen[cell.scheme.parameters["number"] >= WARM][cell] = [node]
    made = (Graph(chosen[kind]) for kind in (True, False))
    warm, main = (Work(graph, session.engine, session.document, session.progress) for graph in made)
    return warm, main


def stage_spans(store: Path, began: float) -> list[tuple[float, float]]:
    """When each sleeping stage that ended after `began` was computed."""
    found = []
    for path in store.glob("marked/*/*/manifest.json"):
        seconds = json.loads((path.parent / "values.json").read_text())["cost"]["seconds"]
        end = path.stat().st_mtime
        if end > began:
            found.append((end - seconds, end))
    return found


def idleness(spans: Sequence[tuple[float, float]], k: int, began: float) -> tuple[float, int]:
    """Share of k workers' time in which they did nothing while a stage was ready; how often for `WAIT` or longer."""
    moments = sorted({began, *(moment for span in spans for moment in span)})
    lost, gap, waits = 0.0, 0.0, 0
    for start, end in itertools.pairwise(moments):
        begun = sum(first <= start for first, _ in spans)
        running = sum(first <= start < last for first, last in spans)
        missing = min(k - running, len(spans) - begun)
        lost += missing * (end - start)
        gap = gap + end - start if missing else 0.0
        waits += bool(missing) and gap >= WAIT > gap - (end - start)
    return lost / (k * (moments[-1] - began)), waits


# --- whole commands -------------------------------------------------------------------------------------------


def start(folder: Path, size: Size) -> dict[str, Any]:
    """What it costs to start two workers."""
    found = {}
    seconds = size.seconds[0]
    numbers = ", ".join(map(str, range(STAGES)))
    place = Bureau(folder, SLEEPS.format(seconds=seconds, main=numbers, warm=WARM))
    for way in size.ways:
        name, began = f"{way}-{time.time():.0f}", time.time()
        wall, cpu = commands(place, name, way, {})
        spans = stage_spans(place.folder / f"{name}-store", began)
        first, last = min(spans)[0] - began, max(end for _, end in spans) - began
        ideal = (STAGES * seconds + 1) / 2
        found[way] = {"wall": wall, "cpu": cpu, "first": first}
        print(
            f"start: two workers as {way}: first stage after {first:.1f} s, last after {last:.1f} s, ended after "
            f"{wall:.1f} s (sleep alone: {ideal:.1f} s), {cpu:.1f} CPU seconds",
            flush=True,
        )
    return found


def trainings(folder: Path, size: Size) -> dict[str, Any]:
    """Two workers with one thread each over one process with two."""
    place = Bureau(folder, TRAININGS.format(images=size.images, epochs=size.epochs, nulls=size.nulls))
    ways = {
        "one process of two threads": ("alone", "2"),
        "two processes of one thread": ("processes", "1"),
        "two Ray workers of one thread": ("ray", "1"),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(size.repeats):
        for name, (way, threads) in ways.items():
            if way not in ("alone", *size.ways):
                continue
            label = f"{way}-{time.time():.0f}"
            wall, cpu = commands(place, label, way, {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads})
            found[name].append((wall, cpu))
            alone, alone_cpu = found["one process of two threads"][-1]
            print(
                f"trainings: {name}: {wall:.1f} s, {cpu:.1f} CPU seconds ({cpu / wall:.2f} cores had); as fast as one "
                f"process x {alone / wall:.2f}, CPU seconds x {cpu / alone_cpu:.2f}",
                flush=True,
            )
    return found


def commands(place: Bureau, name: str, way: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of a plan's whole run, with all processes that take part."""
    mark = f"OWNMARK_BENCH_{name}_{os.getpid()}"
    place.environment |= {**environment, "OWNMARK_BENCH": mark}
    began = time.perf_counter()
    with cpu_seconds(mark) as cpu:
        store = f"{name}-store"
        if way == "processes":
            children = [place.start(f"{name}-{i}", store=store) for i in range(2)]
        else:
            children = [place.start(name, *(["--workers", "2"] if way == "ray" else []), store=store)]
        for child in children:
            output, _ = child.communicate()
            assert child.returncode == 0, output
    return time.perf_counter() - began, sum(cpu.values())


@contextmanager
def cpu_seconds(mark: str) -> Iterator[dict[int, float]]:
    """CPU seconds by process, of all that have `mark` in their environment; filled while the block runs."""
    found: dict[int, float] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if (
                        int(folder.name) not in found
                        and mark.encode() not in (folder / "environ").read_bytes()
                    ):
                        continue
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                found[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


# --- stored cells ---------------------------------------------------------------------------------------------


def cells(folder: Path, size: Size) -> dict[str, Any]:
    """Seconds for each stored cell, and of the whole with its report."""
    place = Bureau(folder, "")
    for count in [size.cells[0] // 2, *size.cells]:  # the first warms the process up
        numbers = ", ".join(map(str, range(count // 2)))
        (place.folder / f"{count}.yaml").write_text(CELLS.format(numbers=numbers))
    command = [sys.executable, str(HERE), "--cells", *map(str, size.cells)]
    done = subprocess.run(
        command, cwd=place.folder, env=place.environment, stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout, end="", flush=True)
    found: dict[str, Any] = json.loads((place.folder / "figures.json").read_text())
    return found


def read_cells(*counts: str) -> None:
    """In one process: fill the store, then run the plans from it."""
    from ownmark.report import write_report
    from ownmark.runner import run

    began = time.perf_counter()
    run(f"{int(counts[0]) // 2}.yaml", out="warm", store="store", device="cpu")
    fill(f"{counts[-1]}.yaml")
    print(f"cells: {counts[-1]} stored, where missing, in {time.perf_counter() - began:.1f} s", flush=True)
    found: dict[str, Any] = {}
    for count in map(int, counts):
        wall, cpu = time.perf_counter(), time.process_time()
        finished = run(f"{count}.yaml", out=f"again-{count}", store="store", device="cpu")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert len(finished.records) == count
        assert not finished.failed
        found[str(count)] = {"wall": wall / count, "cpu": cpu / count}
        print(
            f"cells: {count} stored: {1e3 * wall / count:.2f} ms a cell, {1e3 * cpu / count:.2f} ms of CPU",
            flush=True,
        )
    for kind in ("wall", "cpu"):
        taken = [found[count][kind] for count in counts]
        print(f"cells: dearest over cheapest, {kind}: {max(taken) / min(taken):.2f}")
    last = int(counts[-1])
    wall, cpu = time.perf_counter(), time.process_time()
    write_report(Path(f"again-{last}"))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    total = found[counts[-1]]["wall"] * last + wall
    found["report"] = {"wall": wall, "cpu": cpu, "read and reported": total}
    print(f"cells: report of {last}: {wall:.1f} s, {cpu:.1f} s of CPU; read and reported in {total:.1f} s")
    Path("figures.json").write_text(json.dumps(found))


def fill(plan: str) -> None:
    """Store what is missing of a plan: what the first attack on each scheme left, under the digests of the others."""
    from ownmark.runner.cell import expand
    from ownmark.runner.session import prepare

    session = prepare(plan, "filling", "store", "cpu", None, None)
    originals: dict[Any, list[Any]] = {}
    for cell in expand(session.plan):
        nodes = session.nodes(cell)
        if cell.scheme not in originals:
            originals[cell.scheme] = [session.engine.get(node) for node in nodes]
        for node, entry in zip(nodes, originals[cell.scheme], strict=True):
            if not session.engine.done(node):
                copy_entry(entry.path, session.engine.store.path(node.stage, node.digest), node.about)


def copy_entry(original: Path, copy: Path, about: Any) -> None:
    """The same files, linked, under another digest: a hundred times as fast as writing them through the store."""
    copy.mkdir(parents=True)
    for path in original.iterdir():
        if path.name != "manifest.json":
            (copy / path.name).hardlink_to(path)
    manifest = json.loads((original / "manifest.json").read_text())
    text = json.dumps({**manifest, "digest": copy.name, "about": dict(about)}, indent=1, sort_keys=True)
    (copy / "manifest.json").write_text(text)


SECTIONS = {"sleep": sleep, "start": start, "trainings": trainings, "cells": cells}
_PARTS = {"--share": share, "--ray": tasks, "--cells": read_cells}
"""What this script runs as in processes of its own."""

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in _PARTS:
        _PARTS[sys.argv[1]](*sys.argv[2:])
    else:
        main()
