"""What a method says of itself: plain data, readable without importing torch.

A pack describes each scheme, extractor, attack, metric, dataset, host and plan by a `Declaration`. The class
behind it (`target`) and its parameters (`config`) are named by `"package.module:Name"` strings and imported on
first use, so listing a hundred methods costs a hundred small modules and nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from ownmark.errors import MethodUnavailable

API = 3
"""Version of the contracts that this ownmark has; CONTRIBUTING says what each changed and how long an old one lives."""
OLDEST_API = 1
"""Oldest version of the contracts that packs may still be written for."""


class Kind(str, Enum):
    """The seven things a pack can bring."""

    SCHEME = "scheme"
    EXTRACTOR = "extractor"
    ATTACK = "attack"
    METRIC = "metric"
    DATASET = "dataset"
    HOST = "host"
    PLAN = "plan"

    def __str__(self) -> str:
        return self.value


class Need(str, Enum):
    """What a method asks of the plan and of the core; checked before anything is trained.

    Attacks: `DATA` any images, `LABELS` true labels with them, `MAY_USE_DATA` works without but uses what is
    granted (an attack that declares none of the three is given no images at all), `TRANSFER` transfer images (a
    parameter class with a method `needs` may say so for some of its values), `NORM` a host with BatchNorm,
    `BLACK_BOX` asks the marked network and never holds it (whatever the plan grants, it is handed answers only),
    `SCORES` with that: class probabilities, labels will not do; `COPIES` several marked copies of one host.
    Schemes and extractors: `WHITE_BOX` or `BLACK_BOX` access to the suspect, `OWN_COPY` the owner's marked model
    at extraction, `EMBEDDED_KEY` says that only a key that went through `embed` can be read (so thresholds are
    calibrated with that key, not with fresh ones), `UNSEEN` images that no host was trained on (`Task.unseen`, from
    a plan's `split.unseen`).
    All three: what tasks they work on. `PIXELS`, `WAVES`, `TOKENS` are forms of inputs, `CLASSES`, `GENERATION`,
    `CAPTIONING` goals; of several that are named any will do, and none named means any task at all. Whoever declares
    `api` 2 or less and names no form, or no goal, is taken to need pixels, or classes (`Declaration.demands`).
    Metrics: what their `update` takes. `PREDICTIONS` (predictions [N, classes], labels [N]), `REFERENCE`
    (predictions of the suspect, predictions of the unmarked host); predictions are logits, as the network gives them
    before any softmax. `EVIDENCE` (matches [n]), `THRESHOLD` (matches
    [n], theta), `WEIGHTS` (suspect, marked model), `GENERATED` (what a generator makes, real test data), `CAPTIONS`
    (token ids [N, L] of the suspect's texts, those of the references [N, R, L]).
    """

    DATA = "data"
    LABELS = "labels"
    MAY_USE_DATA = "optional-data"
    TRANSFER = "transfer-data"
    NORM = "batch-norm"
    WHITE_BOX = "white-box"
    BLACK_BOX = "black-box"
    SCORES = "scores"
    COPIES = "copies"
    OWN_COPY = "own-copy"
    EMBEDDED_KEY = "embedded-key"
    PIXELS = "pixels"
    WAVES = "waveforms"
    TOKENS = "tokens"
    CLASSES = "classification"
    GENERATION = "generation"
    CAPTIONING = "captioning"
    UNSEEN = "unseen"
    PREDICTIONS = "predictions"
    REFERENCE = "reference"
    EVIDENCE = "evidence"
    THRESHOLD = "threshold"
    WEIGHTS = "weights"
    GENERATED = "generated"
    CAPTIONS = "captions"

    def __str__(self) -> str:
        return self.value


_FORMS = frozenset({Need.PIXELS, Need.WAVES, Need.TOKENS})
_GOALS = frozenset({Need.CLASSES, Need.GENERATION, Need.CAPTIONING})
_ANY_TASK = 3
"""Version of the contracts from which a declaration says itself what tasks its method works on."""


@dataclass(frozen=True)
class Reported:
    """One figure printed in a paper, put beside our own in records and reports."""

    value: float
    """In the unit of `metric` (fractions, not percent)."""
    metric: str
    """Id of the metric, or `"evidence"` for the share of symbols that match."""
    where: str
    """Table or figure it stands in."""
    dataset: str = ""
    host: str = ""
    scheme: str = ""
    attack: str = ""


@dataclass(frozen=True)
class Paper:
    """Where a method comes from."""

    title: str
    authors: str = ""
    year: int = 0
    venue: str = ""
    url: str = ""

    def __str__(self) -> str:
        source = ", ".join(str(part) for part in (self.authors, self.venue, self.year) if part)
        return f"{self.title} ({source})" if source else self.title


def _frozen(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True)
class Declaration:
    """One method, described.

    >>> Declaration(id="noise", kind=Kind.SCHEME, target="acme_marks.noise.scheme:Noise",
    ...             config="acme_marks.noise.config:NoiseConfig", summary="one fixed noise pattern").kind.value
    'scheme'
    """

    id: str
    """YAML key, folder name and field of the record; unique within its kind."""
    kind: Kind
    target: str
    """`"package.module:Class"`, imported on first use. For a plan: `"package:path/to/plan.yaml"`."""
    summary: str
    """One line for `ownmark list`."""
    config: str = ""
    """`"package.module:ConfigClass"`, a class made with `ownmark.config.configuration`; empty: no parameters."""
    paper: Paper | None = None
    needs: frozenset[Need] = frozenset()
    extractor: str = ""
    """Schemes only: id of the extractor that reads the mark unless a plan names another."""
    smoke: Mapping[str, Any] = field(default_factory=dict)
    """Tiny arguments with which the conformance kit runs the method."""
    smoke_host: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the conformance kit's `convnet` host that the method needs to fit, say `{"width": 2.0}`. `host` and
    `dataset` name others than `convnet` and `digits`; the rest are then that host's parameters."""
    idle: Mapping[str, Any] = field(default_factory=dict)
    """Changes to `smoke` with which the method changes nothing, so that the conformance kit can hold it to that:
    an attack gives back the stolen weights, a scheme an unmarked network. Empty: there are none."""
    threat_model: str = ""
    deviations: tuple[str, ...] = ()
    """Where the implementation knowingly differs from the paper; printed by `ownmark show`."""
    reported: tuple[Reported, ...] = ()
    requires: Mapping[str, str] = field(default_factory=dict)
    """Optional imports: module name -> the pack's extra that installs it."""
    data: tuple[str, ...] = ()
    """Files that the method reads beside its code, `"package:path"`: results depend on their bytes."""
    version: str = "1"
    """Raise it when results change for a reason the source digest cannot see."""
    api: int = 1
    """Version of the contracts that the method was written for (`ownmark.methods.API`)."""
    distribution: str = ""
    """Filled in by discovery: the pip distribution that brought the method."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "smoke", _frozen(self.smoke))
        object.__setattr__(self, "smoke_host", _frozen(self.smoke_host))
        object.__setattr__(self, "idle", _frozen(self.idle))
        object.__setattr__(self, "requires", _frozen(self.requires))

    @property
    def demands(self) -> frozenset[Need]:
        """Its needs, with what a scheme, extractor or attack of older contracts takes for granted: pixels, classes."""
        if self.api >= _ANY_TASK or self.kind not in (Kind.SCHEME, Kind.EXTRACTOR, Kind.ATTACK):
            return self.needs
        pixels = frozenset() if self.needs & _FORMS else {Need.PIXELS}
        return self.needs | pixels | (frozenset() if self.needs & _GOALS else {Need.CLASSES})

    @property
    def pack(self) -> str:
        """Short name of the distribution: `ownmark-whitebox` is `whitebox`, `acme-marks` stays itself."""
        return self.distribution.removeprefix("ownmark-") or "core"

    @property
    def name(self) -> str:
        """Id with its pack, which no other distribution can claim: `whitebox/uchida`."""
        return f"{self.pack}/{self.id}"

    def load(self) -> Any:
        """Import and return the class behind `target`.

        Raises:
            MethodUnavailable: the import fails; names the distribution and, for an optional dependency, the
                `pip install` that helps.
        """
        return self._import(self.target)

    def load_config(self) -> type | None:
        """Import and return the parameter class, or None for a method without parameters."""
        return self._import(self.config) if self.config else None

    def _import(self, reference: str) -> Any:
        module, _, name = reference.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            extra = self.requires.get(missing)
            hint = f"pip install '{self.distribution}[{extra}]'" if extra else install_hint(missing)
            raise MethodUnavailable(
                f"{self.kind} {self.name} needs the package {missing!r}: {hint}"
            ) from error
        except Exception as error:
            where = f"{self.kind} {self.name} ({self.distribution or 'unknown distribution'})"
            raise MethodUnavailable(
                f"{where} cannot load {reference!r}: {type(error).__name__}: {error}"
            ) from error


_DISTRIBUTIONS = {
    "cv2": "opencv-python-headless", "PIL": "pillow", "sklearn": "scikit-learn", "skimage": "scikit-image",
    "yaml": "pyyaml", "Crypto": "pycryptodome", "bs4": "beautifulsoup4", "dateutil": "python-dateutil",
    "pywt": "PyWavelets", "attr": "attrs", "google": "protobuf", "serial": "pyserial", "dotenv": "python-dotenv",
    "jwt": "pyjwt", "faiss": "faiss-cpu", "lightning_fabric": "lightning", "OpenSSL": "pyopenssl", "fitz": "pymupdf",
    "umap": "umap-learn", "git": "gitpython", "docx": "python-docx", "magic": "python-magic", "nacl": "pynacl",
}  # fmt: skip
"""Import names whose distribution is called otherwise."""


def install_hint(module: str) -> str:
    """The command that installs an import name; where the two names may differ, it does not pretend to know."""
    known = _DISTRIBUTIONS.get(module)
    return (
        f"pip install {known}"
        if known
        else f"pip install {module} (if that is what its distribution is called)"
    )


def plans_in(
    package: str, summaries: Mapping[str, str], paper: Paper | None = None
) -> tuple[Declaration, ...]:
    """Declarations of the plans `NAME.yaml` inside a package, from their names and summaries."""
    return tuple(
        Declaration(id=name, kind=Kind.PLAN, target=f"{package}:{name}.yaml", summary=summary, paper=paper)
        for name, summary in summaries.items()
    )
