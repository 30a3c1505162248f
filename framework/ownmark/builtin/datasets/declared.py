"""Declarations of the datasets."""

from __future__ import annotations

from ownmark.methods import Declaration, Kind, Paper

_HERE = "ownmark.builtin.datasets"
_LIMITED = f"{_HERE}.config:LimitedConfig"

_DIGITS = Paper(
    title="Optical Recognition of Handwritten Digits", authors="Alpaydin and Kaynak", year=1998, venue="UCI",
    url="https://doi.org/10.24432/C50P49",
)  # fmt: skip
_MNIST = Paper(
    title="Gradient-Based Learning Applied to Document Recognition", authors="LeCun et al.", year=1998,
    venue="Proceedings of the IEEE",
)  # fmt: skip
_FASHION = Paper(
    title="Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
    authors="Xiao, Rasul and Vollgraf", year=2017, url="https://arxiv.org/abs/1708.07747",
)  # fmt: skip
_CIFAR = Paper(
    title="Learning Multiple Layers of Features from Tiny Images", authors="Krizhevsky", year=2009,
    url="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
)  # fmt: skip
_ORL = Paper(
    title="Parameterisation of a Stochastic Model for Human Face Identification",
    authors="Samaria and Harter", year=1994, venue="WACV", url="https://doi.org/10.1109/ACV.1994.341300",
)  # fmt: skip


def _standard(id: str, target: str, summary: str, paper: Paper) -> Declaration:
    return Declaration(
        id=id, kind=Kind.DATASET, target=f"{_HERE}.standard:{target}", config=_LIMITED, paper=paper,
        summary=f"{summary}, from the folder OWNMARK_DATA", smoke={"limit_train": 200, "limit_test": 100},
    )  # fmt: skip


DATASETS = (
    Declaration(
        id="digits", kind=Kind.DATASET,
        target=f"{_HERE}.digits:Digits", config=f"{_HERE}.config:DigitsConfig",
        summary="8x8 handwritten digits of scikit-learn, 1,397 + 400; ready at once", paper=_DIGITS,
        smoke={"limit_train": 200, "limit_test": 100},
    ),
    Declaration(
        id="npz", kind=Kind.DATASET, target=f"{_HERE}.npz:Npz", config=f"{_HERE}.config:NpzConfig",
        summary="your own images from one .npz file", smoke={"path": "images.npz"},
    ),
    Declaration(
        id="folder", kind=Kind.DATASET,
        target=f"{_HERE}.image_folder:ImageFolder", config=f"{_HERE}.config:FolderConfig",
        summary="your own JPEG and PNG files, one directory a class; may be larger than memory",
        requires={"PIL": "images"}, smoke={"path": "images"},
    ),
    Declaration(
        id="wav-folder", kind=Kind.DATASET,
        target=f"{_HERE}.spectrograms:WavFolder", config=f"{_HERE}.config:WavFolderConfig",
        summary="your own WAV files, one directory a class, as log-mel spectrograms", smoke={"path": "utterances"},
    ),
    Declaration(
        id="function", kind=Kind.DATASET, target=f"{_HERE}.function:Function", config=f"{_HERE}.config:FunctionConfig",
        summary="your own images from a function of yours", smoke={"target": f"{_HERE}.function:stripes"},
    ),
    Declaration(
        id="hub", kind=Kind.DATASET, target=f"{_HERE}.hub:Hub", config=f"{_HERE}.config:HubConfig",
        summary="any image-classification dataset of the Hugging Face hub",
        requires={"datasets": "hub", "PIL": "hub"}, smoke={"name": "ylecun/mnist"},
    ),
    _standard("mnist", "Mnist", "28x28 handwritten digits, 60,000 + 10,000", _MNIST),
    _standard("fashion-mnist", "FashionMnist", "28x28 pictures of clothes, 60,000 + 10,000", _FASHION),
    _standard("cifar10", "Cifar10", "32x32 photographs, 10 classes, 50,000 + 10,000", _CIFAR),
    _standard("cifar10-small", "Cifar10Small", "first 1,200 + 380 of each class of CIFAR-10", _CIFAR),
    _standard("orl-faces", "OrlFaces", "56x46 grey faces of 40 people, 320 + 80", _ORL),
    _standard("cifar100-subset", "Cifar100Subset", "first 110 + 30 of each class of CIFAR-100", _CIFAR),
)  # fmt: skip
