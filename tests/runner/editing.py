"""A worker whose sources are edited while it works, again and again; run by `test_worker_edits`.

Arguments: number of edits, seed. Works in a folder with plan.yaml and site/sleepy_marks. Prints a summary as JSON.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytorch_lightning  # noqa: F401
import torchmetrics  # noqa: F401

from ownmark.runner import cluster  # noqa: F401
from ownmark.runner.cluster import worker

VALUE = Path("site/sleepy_marks/value.py")
DESCRIBE = """
import json, sys
from pathlib import Path
from ownmark.runner.cell import expand
from ownmark.runner.cluster.driver import _job
from ownmark.runner.execute import InProcess, Work
from ownmark.runner.graph import Graph
from ownmark.runner.session import prepare
session = prepare("plan.yaml", "run", "store", "cpu", None, None)
graph = Graph({cell: session.nodes(cell) for cell in expand(session.plan)})
work = Work(graph, session.engine, session.document, session.progress)
job = _job(work)
Path("store", f".run-{job.run}").touch()
marked = [key for key, node in graph.nodes.items() if node.stage == "marked"]
others = [node for node in graph.nodes.values() if node.stage == "host"]
for node in others:
    session.engine.get(node)
ranks = {key: rank for rank, key in enumerate(graph.nodes)}
print(json.dumps({"job": job.spelled(), "keys": [(ranks[key], key) for key in marked]}))
"""


def write(value: int) -> None:
    """An edit, as an editor makes it: into a new file, renamed, or in place."""
    if value % 2:
        VALUE.write_text(f"VALUE = {value}\n")
    else:
        scratch = VALUE.with_suffix(".new")
        scratch.write_text(f"VALUE = {value}\n")
        scratch.replace(VALUE)


def work(job: str, keys: list[tuple[int, str]], report: int) -> None:
    """Compute nodes one after the other, as long as this process is trusted."""
    for rank, key in keys:
        answer = json.loads(worker.compute(job, rank, key))
        os.write(report, f"{answer['state']}\n".encode())
        time.sleep(0.002)
    os._exit(0)


def main(edits: int, seed: int) -> None:
    """Edit and compute."""
    write(0)
    found = subprocess.run([sys.executable, "-c", DESCRIBE], stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(found.stdout)
    draw, states, made, ends = random.Random(seed), Counter[str](), 0, Counter[int]()
    while made < edits:
        keys = draw.sample(told["keys"], 4)
        peaceful = draw.random() < 0.6
        if peaceful:
            write(0)
            made += 1
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            work(told["job"], keys, writing)
        os.close(writing)
        said = os.read(reading, 100) if peaceful else b""  # until the first answer
        for _ in range(draw.randint(1, 6)):
            time.sleep(draw.uniform(0, 0.05))
            write(draw.choice([0, 0, draw.randint(1, 99)]))
            made += 1
        ends[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])] += 1
        with os.fdopen(reading) as answers:
            states.update((said.decode() + answers.read()).split())
    print(json.dumps({"edits": made, "states": states, "ends": ends}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
