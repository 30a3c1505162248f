"""Stages that make what is judged: the marked network, the attacked one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ownmark.config import to_plain
from ownmark.contracts.attack import Attack
from ownmark.contracts.key import Key
from ownmark.contracts.loading import no_numbers
from ownmark.contracts.restoring import restored
from ownmark.contracts.returned import returned
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import HostView, Marked, Stolen, Suspect
from ownmark.discovery.sealing import Seal, sealed, unsealed
from ownmark.errors import OwnmarkError, TrainingDiverged, blamed
from ownmark.methods import Kind, Need
from ownmark.runner.cell import Cell, Spec, TaskSpec
from ownmark.runner.engine import Engine
from ownmark.runner.fitting import Misfits
from ownmark.runner.granting import narrowed, stolen
from ownmark.runner.graph import Bench, Node, once
from ownmark.runner.hosts import Hosts, state_of
from ownmark.runner.plan import Given, Plan
from ownmark.runner.resolve import Methods
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import granted, transfer_set
from ownmark.runner.store import Contents
from ownmark.runner.tasks import Tasks
from ownmark.strictjson import finite


class Making:
    """Nodes of a plan's marked and attacked networks, and the networks behind them.

    Attributes:
        tasks: their data. hosts: the unmarked networks. misfits: cells that cannot be.
    """

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
        self.tasks = Tasks(plan, methods, engine.device)
        self.hosts = Hosts(plan, methods, engine, self.tasks)
        self.misfits = Misfits()
        self._host_seed = host_seed

    def own_seed(self, cell: Cell) -> int:
        """What the owner's network was drawn with: the cell's seed, unless all cells mark one network."""
        return cell.seed if self._host_seed is None else self._host_seed

    def own_host(self, cell: Cell) -> Node:
        """The owner's unmarked network."""
        return self.hosts.host(cell.task, f"seed {self.own_seed(cell)}")

    @once(lambda cell, copy=0: (cell.task, cell.scheme, cell.seed, copy))
    def marked(self, cell: Cell, copy: int = 0) -> Node:
        """The host with the cell's mark; copies 1, 2, ... carry marks of other keys, for thieves who collude."""
        method = self.methods.get(Kind.SCHEME, cell.scheme)
        host = self.own_host(cell)
        about = {"scheme": method.identity, "host": host.digest, "seed": cell.seed, **self.tasks.training}
        about |= {"copy": copy} if copy else {}
        which = (cell.seed, "copy", copy) if copy else (cell.seed,)

        def compute(bench: Bench) -> Contents:
            scheme: Scheme = method.instance
            task = self.tasks.task(cell.task, cell.scheme)
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
                return self.hosts.host_network(task, node)

        def blank(rng: torch.Generator) -> nn.Module:
            with unsealed():
                return self.tasks.blank(task, rng)

        recipe, terms, transforms = self.hosts.taught(task)
        return HostView(trained, blank, recipe, terms, transforms)

    def marked_network(self, cell: Cell, node: Node | None = None) -> nn.Module:
        """The marked network (of one of `others`, if its node is given), in eval mode."""
        scheme: Scheme = self.methods.get(Kind.SCHEME, cell.scheme).instance
        state = state_of(self.engine, node or self.marked(cell))
        return self._restored(cell, scheme, self.tasks.blank(cell.task), state)

    def _restored(
        self, cell: Cell, method: Scheme | Attack, network: nn.Module, state: Mapping[str, Tensor]
    ) -> nn.Module:
        splits = self.tasks.splits(cell.task.dataset)
        left = restored(method, network, state, splits.shape, splits.classes)
        return left.to(self.engine.device).eval()

    def key(self, cell: Cell) -> Key:
        """The owner's key, on the device."""
        entry = self.engine.get(self.marked(cell))
        return Key(entry.values["scheme"], entry.tensors("key"), entry.values["key"]).to(self.engine.device)

    @once(lambda cell: (cell.task, cell.scheme, cell.attack, cell.seed, cell.given))
    def suspect(self, cell: Cell) -> Node:
        """What the verifier will face: the attacked network, or the marked one if nobody attacked it."""
        marked = self.marked(cell)
        if cell.attack is None:
            return marked
        method = self.methods.get(Kind.ATTACK, cell.attack)
        about = {
            "attack": method.identity, "marked": marked.digest, "seed": cell.seed,
            "given": _amounts(self.given(cell)), **self._transfer_identity(cell), **self.tasks.training,
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
        return self.tasks.blank(cell.task) if query_only else self.marked_network(cell)

    def given(self, cell: Cell) -> Given:
        """What the cell's attacker holds: of the plan's grant, as much as the attack uses."""
        needs = self.methods.get(Kind.ATTACK, cell.attack).needed if cell.attack else frozenset()
        return narrowed(cell.given, needs)

    def _stolen(self, cell: Cell) -> Stolen:
        splits, given = self.tasks.splits(cell.task.dataset), self.given(cell)
        data = granted(splits, given, rng_for("granted", cell.seed))
        transfer = None
        if given.transfer and self.transfer is not None:
            foreign = self.methods.images(self.transfer)
            draw = rng_for("transfer", cell.seed)
            transfer = transfer_set(foreign, splits.shape, given.transfer, draw, splits.inputs)
            transfer = transfer.to(self.engine.device)

        def others() -> list[nn.Module]:
            return [self.marked_network(cell, node) for node in self.others(cell)]

        host = self.tasks.host(cell.task)
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
        return self._restored(cell, attack, self._restorable(cell), state_of(self.engine, node))

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


def _asked(loot: Stolen) -> dict[str, int]:
    """What an attacker without the weights spent."""
    return {} if loot.queried is None else {"asked": loot.queried.queries}


def _amounts(given: Given) -> dict[str, Any]:
    """What a grant holds, whatever it is called."""
    return {name: value for name, value in to_plain(given).items() if name != "protocol"}


def _exhibits(exhibits: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    """Pictures as tensors, everything else as values."""
    pictures = {name: value for name, value in exhibits.items() if isinstance(value, Tensor)}
    values = {name: value for name, value in exhibits.items() if not isinstance(value, Tensor)}
    return {"exhibits": finite(values)}, {"exhibits": pictures} if pictures else {}
