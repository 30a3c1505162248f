"""What is read out of a suspect, and what it proves: the owner's key, decoys beside it, the null models behind both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ownmark.contracts.dataset import Images
from ownmark.contracts.evidence import Evidence
from ownmark.contracts.extractor import Extractor
from ownmark.contracts.key import Key
from ownmark.contracts.samples import Samples
from ownmark.contracts.scheme import Scheme
from ownmark.contracts.views import BlackBox, WhiteBox
from ownmark.discovery import Catalog
from ownmark.errors import NotApplicable, OwnmarkError
from ownmark.methods import Kind
from ownmark.ownership.data import fingerprint_of, images_of
from ownmark.ownership.early import bet, in_stages, one_by_one, verdict_of_bet
from ownmark.ownership.folder import Claim, Release
from ownmark.ownership.former import look_twice
from ownmark.ownership.trust import require_no_code
from ownmark.runner.cell import Spec, canonical
from ownmark.runner.decoys import decoy_rates, fewest_decoys, fresh_keys
from ownmark.runner.evident import evident
from ownmark.runner.kept import UNLIKE, kept_keys
from ownmark.runner.resolve import needs_of
from ownmark.runner.seeds import rng_for
from ownmark.runner.splits import divide, task_of
from ownmark.runner.thresholds import guess_of, models_for, threshold_of
from ownmark.runner.verdict import PUBLIC, Basis, verdict
from ownmark.stats import Decoys, Knowing, Threshold, rank_among

UNREADABLE = "the data that fresh keys are drawn from cannot be read ({error})"
OLD = "this mark was made before keys were drawn to be told from others; embed anew to be able to say whose it is"
TOO_FEW = "too few symbols match for fresh keys to be asked"


@dataclass(frozen=True)
class Judge:
    """Everything but the suspect.

    Args:
        owner, release: the mark's two parts. reads: of the claim, what the reader needs. rate: of the verdict.
        extractor, own: the reader, and the owner's copy if it needs one. trusted: the mark may name code and files.
        sequential: whether to look at a tenth of the symbols first, and stop there if that decides; `former`: as
            earlier versions did.
        sparing: whether decoys are read only where the owner's key matches enough for a claim.
    """

    catalog: Catalog
    owner: Claim
    release: Release
    reads: Mapping[str, Any]
    rate: float
    extractor: Extractor
    own: nn.Module | None
    device: torch.device
    sequential: bool = False
    former: bool = False
    trusted: bool = False
    sparing: bool = False

    def judged(self, view: WhiteBox | BlackBox, knowing: Knowing | None, most: int | None) -> dict[str, Any]:
        """Read the owner's key, then decoys, and decide.

        Args:
            knowing: what a black box knows of the task. most: images that may be sent for decoys; None for no limit.
        """
        key = self.owner.key.to(self.device)
        if self.sequential and isinstance(view, BlackBox) and self.reads["chance"] is not None:
            betted = self._betted(view, key, knowing)
            if betted is not None:
                return betted
        found = evident(self.extractor.extract(view, key, self.own))
        if found.n != self.reads["n"]:
            raise NotApplicable(f"{found.n} symbols were read, the threshold is for {self.reads['n']}")
        threshold = self._threshold(found)
        if self.sparing and self.reads.get("tests") != "decoys" and not threshold.claims(found.hits):
            decoys, without = None, TOO_FEW
        else:
            decoys, without = self._decoys(view, found, most)
        said = verdict(found.hits, found.n, found.chance, self._basis(threshold, knowing, decoys, without))
        return {"hits": found.hits, "n": found.n, "symbol": found.symbol, "extras": _plain(found.extras),
                **said, **({} if "decoys" not in self.reads else beyond(said))}  # fmt: skip

    def _betted(self, view: BlackBox, key: Key, knowing: Knowing | None) -> dict[str, Any] | None:
        """The verdict by asking symbol after symbol; None where that cannot be done, and nothing was asked then."""
        reads = self.reads
        guess = guess_of(reads["symbol"], self.release.structure.classes) if "symbol" in reads else None
        symbols = one_by_one(self.extractor, view, key, reads["n"], self.own)
        said = bet(symbols, max(reads["chance"], guess or 0.0), self.rate)
        if said is None:
            return None
        found, p_value = said
        told = verdict_of_bet(found, p_value, self._basis(self._threshold(found), knowing, None, ""))
        return {
            "hits": found.hits,
            "n": found.n,
            "of": reads["n"],
            "symbol": found.symbol,
            "extras": {},
            **told,
        }

    def _threshold(self, found: Evidence) -> Threshold:
        reads, guess = self.reads, guess_of(found.symbol, self.release.structure.classes)
        return threshold_of(reads["null_hits"], found.n, reads["chance"], self.rate, guess)

    def _basis(
        self, threshold: Threshold, knowing: Knowing | None, decoys: Decoys | None, without: str
    ) -> Basis:
        reads = self.reads
        own = reads.get("own_hits", [max(row) for row in reads["null_hits"]])
        return Basis(
            threshold, [hits / threshold.n for hits in own], decoys, without, reads.get("tests", "nulls"),
            bool(reads.get("public", False)), knowing,
        )  # fmt: skip

    def _decoys(
        self, view: WhiteBox | BlackBox, found: Evidence, most: int | None
    ) -> tuple[Decoys | None, str]:
        """The decoys' rank, or why there is none."""
        reads = self.reads
        if "decoys" not in reads:
            return None, OLD
        if reads["tests"] == "nulls" or (reads["born"] and not reads.get("found")):
            return None, UNLIKE if reads["born"] else ""
        if self.sequential and isinstance(view, BlackBox):
            try:
                fresh = self._fresh_keys()
            except (OwnmarkError, OSError) as error:
                return None, UNREADABLE.format(error=error)
            ask = look_twice if self.former else in_stages
            return ask(self.extractor, view, found, fresh, self.rate, int(reads["queries"]), most, self.own)
        count, least = int(reads["decoys"]), fewest_decoys(self.rate)
        count = max(count, least)
        if most is not None and reads["queries"]:
            count = min(count, most // int(reads["queries"]))
        if count < least:
            return (
                None,
                f"a rate of {self.rate:g} takes {least} fresh keys, {least * reads['queries']} images more",
            )
        try:
            keys = self._fresh_keys()
        except (OwnmarkError, OSError) as error:
            return None, UNREADABLE.format(error=error)
        rates = decoy_rates(self.extractor, view, keys, count, self.own)
        return rank_among(found.rate, rates), ""

    def _images(self, source: Spec) -> Images:
        """The images that the mark names.

        Raises:
            OwnmarkError: they are not those that the key was made from.
        """
        if fingerprint_of(self.catalog, source) != self.owner.about.get("data"):
            raise OwnmarkError(f"{source.label} has changed since the mark was made")
        return images_of(self.catalog, source)

    def _kept(self, images: Samples) -> Images:
        """The images that the mark keeps; no test images, which keys are never drawn from."""
        structure = self.release.structure
        return Images(images, images.first(0), structure.classes, inputs=structure.inputs)

    def _built(self, kind: Kind, spec: Spec) -> Any:
        return self.catalog.build(kind, spec.id, spec.parameters, home=self.catalog.home_of(spec.id))

    def _fresh_keys(self) -> Callable[[int], Key]:
        """The i-th decoy; another set for every key, so that nobody can choose a key against them.

        Raises:
            OwnmarkError: the data are not those that the key was made from, or it keeps no decoys though it is said to.
        """
        described = self.owner.about["scheme"]
        marking = Spec(described["id"], canonical(described["params"]))
        origin = self.owner.origin(self.release)
        source, split, secret = origin.source, origin.split, self.owner.about["key"]

        def rng(i: int) -> torch.Generator:
            return rng_for("decoy", secret, i)

        images = self.owner.images(self.release)
        named = [(Kind.SCHEME, marking), *([(Kind.DATASET, source)] if images is None else [])]
        for kind, spec in () if self.trusted else named:
            require_no_code(self.catalog, kind, spec, "the mark", flag="--trust-mark")
        scheme: Scheme = self._built(Kind.SCHEME, marking)
        if self.reads["born"]:
            kept = kept_keys(scheme, self.owner.key.to(self.device), rng, self.device)
            if kept is None:
                raise OwnmarkError(
                    "the key keeps nothing to make them of, though the claim says that it does"
                )
            return kept
        parts = divide(self._images(source) if images is None else self._kept(images), split)
        home = self.catalog.home_of(marking.id)
        needs = needs_of(self.catalog, Kind.SCHEME, marking.id, marking.parameters, home)
        goal = self.release.structure.builder(self.catalog).goal
        task = task_of(self.owner.about["task"], parts.to(self.device), needs, goal)
        return fresh_keys(scheme, task, rng, self.device)


def beyond(said: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of a claim whose p-value lies above its stated rate: it is left open, with the reason.

    Marks of version 0.1 are told as they were; they have no decoys, and their few null models stand in the record.
    """
    if not said["claim"] or said["p_value"] <= said["stated_rate"]:
        return {}
    return {"status": "undecided", "claim": None, "error": too_few(said)}


def too_few(said: Mapping[str, Any]) -> str:
    """Why a verdict that rests on null models alone is none."""
    why = said.get("no_decoys", "")
    others = "" if why in ("", UNLIKE, PUBLIC) else ", or fresh keys, and these were not read"
    return (
        f"the mark is there as far as {said['null_models']} null models can tell, p = {said['p_value']:.2g}; a rate of "
        f"{said['stated_rate']:g} takes {models_for(said['stated_rate'])} of them{others}"
    )


def stated(reads: Mapping[str, Any], rate: float | None) -> float:
    """The rate of a verdict: the one asked for, or the one that the mark was embedded with.

    Raises:
        NotApplicable: the mark's null models cannot show it.
    """
    if rate is None:
        return float(reads["rate"])
    models = len(reads["null_hits"])
    if (
        reads["chance"] is None
        and reads.get("tests") != "decoys"
        and rate < min(reads["rate"], 1 / (models + 1))
    ):
        raise NotApplicable(
            f"{models} null models, with which this mark was embedded, cannot show a rate of {rate:g}: it takes "
            f"{models_for(rate)}; leave --rate out ({reads['rate']:g}), or embed with so many verdict.null_models"
        )
    return rate


def _plain(extras: Mapping[str, float | str]) -> dict[str, float | str | None]:
    """JSON has no nan."""
    return {k: v if isinstance(v, str) or math.isfinite(v) else None for k, v in extras.items()}
