"""Stages that make networks: the host, the marked network, the attacked one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.config import to_plain
from ownmark.contracts.attack import Attack
from ownmark.contracts.fit import Recipe
from ownmark.contracts.host import Host
from ownmark.contracts.key import Key
from ownmark.contracts.loading import no_numbers
from ownmark.contracts.restoring import restored
from ownmark.contracts.returned import built, returned
from ownmark.contracts.samples import Samples, Term, Transform
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.tasks import Form, Goal, require_data
from ownmark.contracts.views import BlackBox, HostView, Marked, Stolen, Suspect, Task, black_box, seeded
from ownmark.discovery.sealing import Seal, sealed, unsealed
from ownmark.errors import NotApplicable, OwnmarkError, TrainingDiverged, blamed
from ownmark.loops import Parts, fit_together
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Cell, Spec, TaskSpec, specs
from ownmark.runner.engine import Engine
from ownmark.runner.environment import upgrades
from ownmark.runner.fitting import Misfits
from ownmark.runner.granting import narrowed, stolen
from ownmark.runner.graph import Bench, Node, Together, once
from ownmark.runner.noisy import Noise, parts_of, takes_noise, with_noise
from ownmark.runner.plan import Given, Plan
from ownmark.runner.resolve import Methods
from ownmark.runner.seeds import rng_for, stray
from ownmark.runner.sources import source_digest
from ownmark.runner.splits import Splits, divide, granted, task_of, transfer_set
from ownmark.runner.store import Contents
from ownmark.strictjson import finite


class Making:
    """Nodes of a plan's networks, and the networks behind them."""

    def __init__(
        self,
        plan: Plan,
        methods: Methods,
        engine: Engine,
        transfer: Spec | None,
        host_seed: int | None = None,
    ) -> None:
        self.plan = plan
        self.methods = methods
        self.engine = engine
        self.transfer = transfer
        self._host_seed = host_seed
        self._splits: dict[Spec, Splits] = {}
        self._data: dict[Spec, dict[str, Any]] = {}
        self._built_as: dict[str, TaskSpec] = {}
        self.misfits = Misfits()

    @cached_property
    def _training(self) -> dict[str, Any]:
        return _training(self.plan)

    # --- data ---------------------------------------------------------------------------------------------------

    def splits(self, dataset: Spec) -> Splits:
        """The dataset, divided and on the device."""
        if dataset not in self._splits:
            images = self.methods.images(dataset)
            with blamed(f"dataset {dataset.label}", self.methods.get(Kind.DATASET, dataset).pack):
                parts = divide(images, self.plan.split)
            self._splits[dataset] = parts.to(self.engine.device)
        return self._splits[dataset]

    def task(self, task: TaskSpec, scheme: Spec) -> Task:
        """What the owner wants learned, as the scheme is told."""
        needs = self.methods.get(Kind.SCHEME, scheme).needed
        return task_of(task.label, self.splits(task.dataset), needs, self.goal(task))

    def goal(self, task: TaskSpec) -> Goal:
        """What the task's networks are for."""
        return self._host(task).goal

    def _host(self, task: TaskSpec) -> Host:
        host: Host = self.methods.get(Kind.HOST, task.host).instance
        return host

    def questions(self, task: TaskSpec, test: Samples) -> Tensor:
        """What the task's networks are asked when they are judged on these test samples."""
        with blamed(f"host {task.host.label}", self.methods.get(Kind.HOST, task.host).pack):
            return self._host(task).questions(test, rng_for("questions")).to(self.engine.device)

    def box(self, task: TaskSpec, network: nn.Module) -> BlackBox:
        """A network of the task as those see it who may only ask."""
        return black_box(network, goal=self.goal(task))

    def require_learnable(self, task: TaskSpec) -> None:
        """The task's host can learn from its data.

        Raises:
            NotApplicable: inputs of another form, no such labels, or what the host's own check says.
        """
        host, splits = self._host(task), self.splits(task.dataset)
        if splits.inputs.form is not host.takes:
            raise NotApplicable(f"the host takes {host.takes}, and the data are {splits.inputs.form}")
        require_data(host.goal, splits.owner)
        with blamed(f"host {task.host.label}", self.methods.get(Kind.HOST, task.host).pack):
            views = getattr(host.config, "recipe", Recipe()).augment
            host.check(splits.inputs, splits.shape, splits.classes)
        if host.takes is not Form.PIXELS and views != "none":
            raise NotApplicable(
                f"the recipe's `augment: {views}` is for pixels, and the data are {host.takes}"
            )

    def data_identity(self, dataset: Spec) -> dict[str, Any]:
        """What everything made from a dataset depends on."""
        if dataset not in self._data:
            method = self.methods.get(Kind.DATASET, dataset)
            with blamed(f"fingerprint of dataset {dataset.label}", method.pack):
                data = method.instance.fingerprint()
            self._data[dataset] = {
                "dataset": method.identity, "data": data, "split": self.plan.split.plain(),
            }  # fmt: skip
            if self.plan.recompute == "on-upgrade":
                self._data[dataset]["environment"] = upgrades(str(self.engine.device))
        return self._data[dataset]

    # --- the host and its null models ---------------------------------------------------------------------------

    @once(lambda task, purpose, images="owner": (task, purpose, images))
    def host(self, task: TaskSpec, purpose: str, images: str = "owner") -> Node:
        """A trained unmarked network: `"seed 0"` for the owner's, `"null 3"` for an independent one.

        Args:
            images: that it is trained on: all of the `owner`'s, the `pool` that the owner never saw, or a `half` of the
                owner's, another for every purpose; `pool, noise 0.5`: with noise, as `runner.noisy` has it.
        """
        method = self.methods.get(Kind.HOST, task.host)
        about = {
            "host": method.identity,
            **self.data_identity(task.dataset),
            "purpose": purpose,
            **self._training,
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

    def own_seed(self, cell: Cell) -> int:
        """What the owner's network was drawn with: the cell's seed, unless all cells mark one network."""
        return cell.seed if self._host_seed is None else self._host_seed

    def own_host(self, cell: Cell) -> Node:
        """The owner's unmarked network."""
        return self.host(cell.task, f"seed {self.own_seed(cell)}")

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
        entry, network = self.engine.get(node), self.blank(self.built_as(task, node))
        for epoch in range(entry.values["epochs"]):
            network.load_state_dict(entry.tensors(f"epoch {epoch}"))
            yield network.eval()

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
        fit, network = bench.fitter(rng), self.blank(task, rng)
        if self._ready(task, network, purpose):
            if after is not None:
                after(network.eval())
            return network.eval()
        recipe, terms, transforms = self._taught(task, images)
        return fit(
            network, self._images(task, purpose, images), recipe, terms=terms, transforms=transforms,
            callbacks=[] if after is None else [StopWhen(after)],
        )  # fmt: skip

    def _ready(self, task: TaskSpec, network: nn.Module, purpose: str) -> bool:
        method = self.methods.get(Kind.HOST, task.host)
        with blamed(f"host {task.host.label}", method.pack):
            return bool(method.instance.ready(network, purpose))

    def _taught(
        self, task: TaskSpec, images: str = "owner"
    ) -> tuple[Recipe, tuple[Term, ...], tuple[Transform, ...]]:
        """What trains the task's host, on images that may be seen with noise."""
        method = self.methods.get(Kind.HOST, task.host)
        host: Host = method.instance
        with blamed(f"host {task.host.label}", method.pack):
            recipe, terms, transforms = host.recipe, tuple(host.terms()), tuple(host.transforms())
        _, amount = parts_of(images)
        return (
            recipe,
            terms,
            (*transforms, *([Noise.like(self.splits(task.dataset).owner, amount)] if amount else [])),
        )

    def _images(self, task: TaskSpec, purpose: str, images: str) -> Samples:
        splits, (which, _) = self.splits(task.dataset), parts_of(images)
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
        host: Host = self.methods.get(Kind.HOST, task.host).instance
        draws = [rng_for("host", purpose) for _, purpose in asked]
        fitters = [bench.fitter(rng) for (bench, _), rng in zip(asked, draws, strict=True)]
        networks = [self.blank(task, rng) for rng in draws]
        untrained, taught = list[int](), []
        for i, (_, purpose) in enumerate(asked):
            with seeded(stray("host")):  # which the engine does once for all of them
                if not self._ready(task, networks[i], purpose):
                    untrained.append(i)
                    taught.append(self._taught(task, images))
        trained = fit_together(
            [fitters[i] for i in untrained], [networks[i] for i in untrained],
            [self._images(task, asked[i][1], images) for i in untrained], host.recipe,
            [Parts(terms, transforms) for _, terms, transforms in taught],
        )  # fmt: skip
        for i, network in zip(untrained, trained, strict=True):
            networks[i] = network
        return [Contents(tensors={"network": network.state_dict()}) for network in networks]

    def nulls(self, task: TaskSpec) -> list[Node]:
        """The null models behind the task's thresholds."""
        return self.innocents(task, "null", self.plan.verdict.null_models)

    def innocents(self, task: TaskSpec, group: str, count: int) -> list[Node]:
        """Independent unmarked networks, `count` of a `group` ("null", "audit"), as the plan's `verdict.nulls` says."""
        return [self._innocent(task, group, i) for i in range(count)]

    def _innocent(self, task: TaskSpec, group: str, i: int) -> Node:
        hosts = [spec for entry in self.plan.verdict.nulls.hosts for spec in specs(entry)]
        own = not hosts or i % 3 != 2
        built = task if own else TaskSpec(task.dataset, hosts[i // 3 % len(hosts)])
        node = self.host(built, f"{group} {i}", self.images_of(task, i))
        self._built_as[node.digest] = built
        return node

    def images_of(self, task: TaskSpec, i: int) -> str:
        """What the i-th innocent is trained on, as `host` has it."""
        asked = self.plan.verdict.nulls
        if asked.data == "owner":
            return "owner"
        splits = self.splits(task.dataset)
        enough = len(splits.pool) >= max(0.1 * len(splits.owner), 5 * splits.classes)
        which = "pool" if i % 2 and enough else "half"
        noise = asked.noise if i % 3 == 1 and takes_noise(splits.owner) else 0.0
        return with_noise(which, noise)

    def built_as(self, task: TaskSpec, node: Node) -> TaskSpec:
        """The task of a `host` or `epochs` node; another than `task` if the plan's null models have other hosts."""
        return self._built_as.get(node.digest, task)

    def blank(self, task: TaskSpec, rng: torch.Generator | None = None) -> nn.Module:
        """A newly initialised host on the device."""
        splits = self.splits(task.dataset)
        method = self.methods.get(Kind.HOST, task.host)
        with blamed(f"host {task.host.label}", method.pack), seeded(rng or rng_for("blank")):
            return built(method.instance, splits.shape, splits.classes).to(self.engine.device)

    def host_network(self, task: TaskSpec, node: Node) -> nn.Module:
        """The trained network of a host node, in eval mode."""
        network = self.blank(self.built_as(task, node))
        network.load_state_dict(self._state(node))
        return network.eval()

    # --- marked -------------------------------------------------------------------------------------------------

    @once(lambda cell, copy=0: (cell.task, cell.scheme, cell.seed, copy))
    def marked(self, cell: Cell, copy: int = 0) -> Node:
        """The host with the cell's mark; copies 1, 2, ... carry marks of other keys, for thieves who collude."""
        method = self.methods.get(Kind.SCHEME, cell.scheme)
        host = self.own_host(cell)
        about = {"scheme": method.identity, "host": host.digest, "seed": cell.seed, **self._training}
        about |= {"copy": copy} if copy else {}
        which = (cell.seed, "copy", copy) if copy else (cell.seed,)

        def compute(bench: Bench) -> Contents:
            scheme: Scheme = method.instance
            task = self.task(cell.task, cell.scheme)
            key = returned(scheme.make_key(task, rng_for("key", *which)), Key, "make_key")
            fit = bench.fitter(rng_for("embed", *which))
            view = self._host_view(cell.task, host)
            with sealed(f"scheme {method.declaration.name}") as seal:
                marked = returned(scheme.embed(view, key, task, fit), Marked, "embed")
            marked.key.written()  # a value that is none is named here
            values, pictures = _exhibits(marked.exhibits)
            values |= self._reached(seal)
            values |= {"key": dict(marked.key.values), "scheme": marked.key.scheme}
            files = {"network": marked.network.state_dict(), "key": marked.key.tensors}
            return Contents(values, {**files, **pictures})

        label = f"{cell.task.label} {cell.scheme.label} seed {cell.seed}" + (f" copy {copy}" if copy else "")
        return Node("marked", label, about, compute, (host,))

    def _reached(self, seal: Seal) -> dict[str, list[str]]:
        """What the method reached for beyond what it was handed; the user's loggers and callbacks open files too."""
        own = bool(self.plan.trainer.callbacks or self.plan.trainer.logger)
        found = [one for one in seal.reached if not own or one.startswith("asks")]
        return {"reached": sorted(set(found))[:20]} if found else {}

    def others(self, cell: Cell) -> list[Node]:
        """The further marked copies that the cell's attacker holds."""
        return [self.marked(cell, copy) for copy in range(1, self.given(cell).copies)]

    def _host_view(self, task: TaskSpec, node: Node) -> HostView:
        def trained() -> nn.Module:
            with unsealed():
                return self.host_network(task, node)

        def blank(rng: torch.Generator) -> nn.Module:
            with unsealed():
                return self.blank(task, rng)

        recipe, terms, transforms = self._taught(task)
        return HostView(trained, blank, recipe, terms, transforms)

    def marked_network(self, cell: Cell, node: Node | None = None) -> nn.Module:
        """The marked network (of one of `others`, if its node is given), in eval mode."""
        scheme: Scheme = self.methods.get(Kind.SCHEME, cell.scheme).instance
        state = self._state(node or self.marked(cell))
        return self._restored(cell, scheme, self.blank(cell.task), state)

    def _restored(
        self, cell: Cell, method: Scheme | Attack, network: nn.Module, state: Mapping[str, Tensor]
    ) -> nn.Module:
        splits = self.splits(cell.task.dataset)
        left = restored(method, network, state, splits.shape, splits.classes)
        return left.to(self.engine.device).eval()

    def key(self, cell: Cell) -> Key:
        """The owner's key, on the device."""
        entry = self.engine.get(self.marked(cell))
        return Key(entry.values["scheme"], entry.tensors("key"), entry.values["key"]).to(self.engine.device)

    # --- attacked -----------------------------------------------------------------------------------------------

    @once(lambda cell: (cell.task, cell.scheme, cell.attack, cell.seed, cell.given))
    def suspect(self, cell: Cell) -> Node:
        """What the verifier will face: the attacked network, or the marked one if nobody attacked it."""
        marked = self.marked(cell)
        if cell.attack is None:
            return marked
        method = self.methods.get(Kind.ATTACK, cell.attack)
        about = {
            "attack": method.identity, "marked": marked.digest, "seed": cell.seed,
            "given": _amounts(self.given(cell)), **self._transfer_identity(cell), **self._training,
        }  # fmt: skip
        others = self.others(cell)
        about |= {"others": [one.digest for one in others]} if others else {}

        def compute(bench: Bench) -> Contents:
            attack: Attack = method.instance
            rng = rng_for("attack", cell.seed)
            fit = bench.fitter(rng_for("attacker fit", cell.seed))
            loot = self._stolen(cell)
            try:
                with sealed(f"attack {method.declaration.name}") as seal:
                    suspect = returned(attack.attack(loot, fit, rng), Suspect, "attack")
            except TrainingDiverged as error:  # what is left is no network, and no crash of ours
                return Contents({"exhibits": {"diverged": str(error)}, "lost": True, **_asked(loot)})
            values, pictures = _exhibits(suspect.exhibits)
            state = suspect.network.state_dict()
            self._require_restorable(cell, attack, state)
            values |= self._reached(seal)
            return Contents({**values, **_asked(loot)}, {"network": state, **pictures})

        return Node("attacked", cell.label, about, compute, (marked, *others))

    def _require_restorable(self, cell: Cell, attack: Attack, state: Mapping[str, Tensor]) -> None:
        """Before it is stored: what cannot be read back would be of no use to anybody."""
        try:
            self._restored(cell, attack, self._restorable(cell), state)
        except Exception as error:
            raise OwnmarkError(
                f"{cell.attack.label if cell.attack else 'none'} leaves a network that its `restore` cannot build "
                f"again, which is a fault of the pack; override `Attack.restore`: {error}"
            ) from error

    def _restorable(self, cell: Cell) -> nn.Module:
        """What the cell's attack restores its suspect from: it holds the marked network, or never has."""
        query_only = (
            self.methods.get(Kind.ATTACK, cell.attack).needs(Need.BLACK_BOX) if cell.attack else False
        )
        return self.blank(cell.task) if query_only else self.marked_network(cell)

    def given(self, cell: Cell) -> Given:
        """What the cell's attacker holds: of the plan's grant, as much as the attack uses."""
        needs = self.methods.get(Kind.ATTACK, cell.attack).needed if cell.attack else frozenset()
        return narrowed(cell.given, needs)

    def _stolen(self, cell: Cell) -> Stolen:
        splits, given = self.splits(cell.task.dataset), self.given(cell)
        data = granted(splits, given, rng_for("granted", cell.seed))
        transfer = None
        if given.transfer and self.transfer is not None:
            foreign = self.methods.images(self.transfer)
            draw = rng_for("transfer", cell.seed)
            transfer = transfer_set(foreign, splits.shape, given.transfer, draw, splits.inputs)
            transfer = transfer.to(self.engine.device)

        def others() -> list[nn.Module]:
            return [self.marked_network(cell, node) for node in self.others(cell)]

        host = self._host(cell.task)
        return stolen(
            self.marked_network(cell), given, splits.shape, splits.classes, data, transfer, others,
            splits.inputs, host.goal, tuple(host.terms()),
        )  # fmt: skip

    def _transfer_identity(self, cell: Cell) -> dict[str, Any]:
        if not self.given(cell).transfer or self.transfer is None:
            return {}
        method = self.methods.get(Kind.DATASET, self.transfer)
        with blamed(f"fingerprint of dataset {self.transfer.label}", method.pack):
            return {"transfer": method.identity, "transfer data": method.instance.fingerprint()}

    def suspect_network(self, cell: Cell) -> nn.Module:
        """The weights the verifier may inspect, in eval mode."""
        if cell.attack is None:
            return self.marked_network(cell)
        node = self.suspect(cell)
        if self.engine.get(node).values.get("lost"):
            return no_numbers(self.marked_network(cell))
        attack: Attack = self.methods.get(Kind.ATTACK, cell.attack).instance
        return self._restored(cell, attack, self._restorable(cell), self._state(node))

    def served(self, cell: Cell, network: nn.Module) -> nn.Module:
        """What answers queries when `network` is deployed by the cell's attacker."""
        if cell.attack is None:
            return network
        attack: Attack = self.methods.get(Kind.ATTACK, cell.attack).instance
        return returned(attack.serve(network, rng_for("serve", cell.seed)), nn.Module, "serve").eval()

    def preview(self, cell: Cell, x: Tensor) -> Tensor | None:
        """Inputs as the network that the cell's attacker deploys gets to see them; None if they are what was sent."""
        if cell.attack is None:
            return None
        attack: Attack = self.methods.get(Kind.ATTACK, cell.attack).instance
        return attack.preview(x, rng_for("preview", cell.seed))

    def _state(self, node: Node) -> dict[str, Tensor]:
        state = self.engine.get(node).tensors("network")
        return {name: tensor.to(self.engine.device) for name, tensor in state.items()}


def _asked(loot: Stolen) -> dict[str, int]:
    """What an attacker without the weights spent."""
    return {} if loot.queried is None else {"asked": loot.queried.queries}


def _amounts(given: Given) -> dict[str, Any]:
    """What a grant holds, whatever it is called."""
    return {name: value for name, value in to_plain(given).items() if name != "protocol"}


def _training(plan: Plan) -> dict[str, Any]:
    """What every training depends on: the loop, and the user's callbacks, which may well change a training."""
    callbacks = [
        {"callback": one.id, "params": one.params, "source": source_digest(one.id.partition(":")[0])}
        for one in plan.trainer.callbacks
    ]
    return {"training": {"loop": source_digest("ownmark.loops.fit"), "callbacks": callbacks}}


def _exhibits(exhibits: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    """Pictures as tensors, everything else as values."""
    pictures = {name: value for name, value in exhibits.items() if isinstance(value, Tensor)}
    values = {name: value for name, value in exhibits.items() if not isinstance(value, Tensor)}
    return {"exhibits": finite(values)}, {"exhibits": pictures} if pictures else {}
