"""Stages that train unmarked networks: the owner's host, and innocents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from ownmark.contracts.fit import Recipe
from ownmark.contracts.host import Host
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.views import seeded
from ownmark.errors import blamed
from ownmark.loops import Parts, fit_together
from ownmark.methods import Kind
from ownmark.runner.cell import TaskSpec, specs
from ownmark.runner.engine import Engine
from ownmark.runner.graph import Bench, Node, Together, once
from ownmark.runner.noisy import Noise, parts_of, takes_noise, with_noise
from ownmark.runner.plan import Plan
from ownmark.runner.resolve import Methods
from ownmark.runner.seeds import rng_for, stray
from ownmark.runner.store import Contents
from ownmark.runner.tasks import Tasks


class Hosts:
    """Nodes of a plan's unmarked networks, and the networks behind them."""

    def __init__(self, plan: Plan, methods: Methods, engine: Engine, tasks: Tasks) -> None:
        self._plan, self._methods, self._engine, self._tasks = plan, methods, engine, tasks
        self._built_as: dict[str, TaskSpec] = {}

    @once(lambda task, purpose, images="owner": (task, purpose, images))
    def host(self, task: TaskSpec, purpose: str, images: str = "owner") -> Node:
        """A trained unmarked network: `"seed 0"` for the owner's, `"null 3"` for an independent one.

        Args:
            images: that it is trained on: all of the `owner`'s, the `pool` that the owner never saw, or a `half` of the
                owner's, another for every purpose; `pool, noise 0.5`: with noise, as `runner.noisy` has it.
        """
        method = self._methods.get(Kind.HOST, task.host)
        about = {
            "host": method.identity,
            **self._tasks.data_identity(task.dataset),
            "purpose": purpose,
            **self._tasks.training,
            **({} if images == "owner" else {"images": images}),
        }
        with blamed(f"fingerprint of host {task.host.label}", method.pack):
            about |= {"weights": found} if (found := method.instance.fingerprint(purpose)) else {}

        def compute(bench: Bench) -> Contents:
            return Contents(
                tensors={"network": self._trained(task, purpose, bench, images=images).state_dict()}
            )

        side = Together(
            (task, "null models", images), purpose, lambda asked: self._trained_together(task, asked, images)
        )
        together = side if purpose.startswith("null ") else None
        return Node("host", f"{task.label} {purpose}", about, compute, together=together)

    @once(lambda task, null: (task, null.digest))
    def epochs(self, task: TaskSpec, null: Node) -> Node:
        """The network of a `host` node after each epoch of its training, file `epoch i`; value `epochs`: how many."""
        built = self.built_as(task, null)
        purpose, images = null.about["purpose"], null.about.get("images", "owner")

        def compute(bench: Bench) -> Contents:
            states: dict[str, dict[str, Tensor]] = {}

            def keep(network: nn.Module) -> bool:
                state = {name: tensor.cpu().clone() for name, tensor in network.state_dict().items()}
                states[f"epoch {len(states)}"] = state
                return False

            self._trained(built, purpose, bench, keep, images)
            return Contents({"epochs": len(states)}, states)

        node = Node("epochs", f"{built.label} {purpose}", {"host": null.digest}, compute)
        self._built_as[node.digest] = built
        return node

    def epoch_networks(self, task: TaskSpec, node: Node) -> Iterator[nn.Module]:
        """The networks of an `epochs` node one after the other, in eval mode."""
        entry, network = self._engine.get(node), self._tasks.blank(self.built_as(task, node))
        for epoch in range(entry.values["epochs"]):
            network.load_state_dict(entry.tensors(f"epoch {epoch}"))
            yield network.eval()

    def nulls(self, task: TaskSpec) -> list[Node]:
        """The null models behind the task's thresholds."""
        return self.innocents(task, "null", self._plan.verdict.null_models)

    def innocents(self, task: TaskSpec, group: str, count: int) -> list[Node]:
        """Independent unmarked networks, `count` of a `group` ("null", "audit"), as the plan's `verdict.nulls` says."""
        return [self._innocent(task, group, i) for i in range(count)]

    def _innocent(self, task: TaskSpec, group: str, i: int) -> Node:
        hosts = [spec for entry in self._plan.verdict.nulls.hosts for spec in specs(entry)]
        own = not hosts or i % 3 != 2
        built = task if own else TaskSpec(task.dataset, hosts[i // 3 % len(hosts)])
        node = self.host(built, f"{group} {i}", self.images_of(task, i))
        self._built_as[node.digest] = built
        return node

    def images_of(self, task: TaskSpec, i: int) -> str:
        """What the i-th innocent is trained on, as `host` has it."""
        asked = self._plan.verdict.nulls
        if asked.data == "owner":
            return "owner"
        splits = self._tasks.splits(task.dataset)
        enough = len(splits.pool) >= max(0.1 * len(splits.owner), 5 * splits.classes)
        which = "pool" if i % 2 and enough else "half"
        noise = asked.noise if i % 3 == 1 and takes_noise(splits.owner) else 0.0
        return with_noise(which, noise)

    def built_as(self, task: TaskSpec, node: Node) -> TaskSpec:
        """The task of a `host` or `epochs` node; another than `task` if the plan's null models have other hosts."""
        return self._built_as.get(node.digest, task)

    def host_network(self, task: TaskSpec, node: Node) -> nn.Module:
        """The trained network of a host node, in eval mode."""
        network = self._tasks.blank(self.built_as(task, node))
        network.load_state_dict(state_of(self._engine, node))
        return network.eval()

    def _trained(
        self,
        task: TaskSpec,
        purpose: str,
        bench: Bench,
        after: Callable[[nn.Module], bool] | None = None,
        images: str = "owner",
    ) -> nn.Module:
        """Train an unmarked network; `after` sees it after every epoch and says whether to stop."""
        from ownmark.loops.callbacks import StopWhen  # imports Lightning, which takes seconds

        rng = rng_for("host", purpose)
        fit, network = bench.fitter(rng), self._tasks.blank(task, rng)
        if self._ready(task, network, purpose):
            if after is not None:
                after(network.eval())
            return network.eval()
        recipe, terms, transforms = self.taught(task, images)
        return fit(
            network, self._images(task, purpose, images), recipe, terms=terms, transforms=transforms,
            callbacks=[] if after is None else [StopWhen(after)],
        )  # fmt: skip

    def _ready(self, task: TaskSpec, network: nn.Module, purpose: str) -> bool:
        method = self._methods.get(Kind.HOST, task.host)
        with blamed(f"host {task.host.label}", method.pack):
            return bool(method.instance.ready(network, purpose))

    def taught(
        self, task: TaskSpec, images: str = "owner"
    ) -> tuple[Recipe, tuple[Term, ...], tuple[Transform, ...]]:
        """What trains the task's host, on images that may be seen with noise."""
        method = self._methods.get(Kind.HOST, task.host)
        host: Host = method.instance
        with blamed(f"host {task.host.label}", method.pack):
            recipe, terms, transforms = host.recipe, tuple(host.terms()), tuple(host.transforms())
        _, amount = parts_of(images)
        return (
            recipe,
            terms,
            (*transforms, *([Noise.like(self._tasks.splits(task.dataset).owner, amount)] if amount else [])),
        )

    def _images(self, task: TaskSpec, purpose: str, images: str) -> Samples:
        splits, (which, _) = self._tasks.splits(task.dataset), parts_of(images)
        if which == "pool":
            return splits.pool
        if which == "owner":
            return splits.owner
        order = torch.randperm(len(splits.owner), generator=rng_for("images", purpose))
        return splits.owner.select(order[: (len(order) + 1) // 2])

    def _trained_together(
        self, task: TaskSpec, asked: Sequence[tuple[Bench, str]], images: str
    ) -> list[Contents]:
        """As `_trained`, several purposes at once, each on its own images."""
        host: Host = self._methods.get(Kind.HOST, task.host).instance
        draws = [rng_for("host", purpose) for _, purpose in asked]
        fitters = [bench.fitter(rng) for (bench, _), rng in zip(asked, draws, strict=True)]
        networks = [self._tasks.blank(task, rng) for rng in draws]
        untrained, taught = list[int](), []
        for i, (_, purpose) in enumerate(asked):
            with seeded(stray("host")):  # which the engine does once for all of them
                if not self._ready(task, networks[i], purpose):
                    untrained.append(i)
                    taught.append(self.taught(task, images))
        trained = fit_together(
            [fitters[i] for i in untrained], [networks[i] for i in untrained],
            [self._images(task, asked[i][1], images) for i in untrained], host.recipe,
            [Parts(terms, transforms) for _, terms, transforms in taught],
        )  # fmt: skip
        for i, network in zip(untrained, trained, strict=True):
            networks[i] = network
        return [Contents(tensors={"network": network.state_dict()}) for network in networks]


def state_of(engine: Engine, node: Node) -> dict[str, Tensor]:
    """The tensors of a node's network, on the device."""
    state = engine.get(node).tensors("network")
    return {name: tensor.to(engine.device) for name, tensor in state.items()}
