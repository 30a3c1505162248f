"""Images and labels out of what people have: tensors, arrays, loaders, datasets, folders of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ownmark.api.pictures import classes_in, folder_of_pictures, pixels_of
from ownmark.contracts.dataset import Images
from ownmark.contracts.samples import Samples
from ownmark.errors import DataError
from ownmark.foreign import shown
from ownmark.wording import counted

HELD_OUT = 0.1
"""Share of the data that tests the network where no test set is given."""
SLACK = 1e-3
"""How far from [0, 1] pixels may lie, for what rounding does."""
_IMAGE, _LABEL = (
    ("pixel_values", "image", "img", "x", "inputs"),
    ("labels", "label", "y", "target", "fine_label"),
)
_ELSEWHERE = "live objects are pictures; networks of text or sound are marked by a plan (docs/tasks.md)"


def as_images(
    data: Any, test: Any, mean: Sequence[float], std: Sequence[float], classes: int | None
) -> Images:
    """Training and test images in [0, 1].

    Args:
        data, test: (images, labels); a DataLoader; a dataset of torch or Hugging Face; a folder with one folder of
            pictures a class. Without `test`, a tenth of the data is held out.
        mean, std: what the images were normalised with; it is undone. Empty: they are pixels in [0, 1] or bytes.
        classes: number of labels; None takes what the data show.

    Raises:
        DataError: no labels, images of several sizes, values that are no pixels, other folders in test than in data.
    """
    train = samples_of(data, mean, std, "data")
    if test is None:
        train, held = _divided(train)
    else:
        _require_same_classes(data, test)
        held = samples_of(test, mean, std, "test")
    if held.x.shape[1:] != train.x.shape[1:]:
        raise DataError(
            f"test: images of {tuple(held.x.shape[1:])}, those of data are {tuple(train.x.shape[1:])}"
        )
    most = int(max(train.labels.max(), held.labels.max())) + 1
    if classes is not None and (not isinstance(classes, int) or classes < 2):
        raise DataError(f"classes: expected how many there are, 2 or more, got {shown(classes, 40)!r}")
    if classes is not None and classes < most:
        raise DataError(f"data: a label {most - 1}, and there are {classes} classes")
    return Images(train, held, classes or max(2, most))


def samples_of(
    data: Any, mean: Sequence[float] = (), std: Sequence[float] = (), name: str = "data"
) -> Samples:
    """One labelled set.

    Raises:
        DataError: see `as_images`.
    """
    if isinstance(data, Samples):
        x, y = data.x, data.labels
    elif isinstance(data, str | Path):
        x, y = folder_of_pictures(Path(data))
    elif isinstance(data, tuple | list) and len(data) == 2 and hasattr(data[0], "shape"):
        x, y = pixels_of(data[0], name), _numbers(data[1], name)
    else:
        x, y = _gathered(data, name)
    if x.ndim == 2 and not x.is_floating_point():
        raise DataError(f"{name}: {len(x)} rows of whole numbers, token ids perhaps; {_ELSEWHERE}")
    if x.ndim == 3:
        x = x.unsqueeze(1)
    if x.ndim != 4 or len(x) != len(y) or not len(x):
        raise DataError(
            f"{name}: expected images [N, C, H, W] and as many labels, got {tuple(x.shape)} and {len(y)}"
        )
    if y.is_floating_point() or y.ndim != 1 or int(y.min()) < 0:
        raise DataError(
            f"{name}: expected labels [N], whole numbers from 0, got {tuple(y.shape)} of {y.dtype}"
        )
    return Samples(_unit(x, mean, std, name), y.long().cpu())


def digest_of_samples(samples: Samples) -> str:
    """SHA-256 of images and labels."""
    state = hashlib.sha256(str(tuple(samples.x.shape)).encode())
    for tensor in (samples.x, samples.labels):
        state.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def _unit(x: Tensor, mean: Sequence[float], std: Sequence[float], name: str) -> Tensor:
    """Pixels in [0, 1]."""
    x = x.detach().cpu()
    if x.dtype == torch.uint8:
        return x.float() / 255
    x = x.float()
    if mean or std:
        x = x * torch.tensor(std or (1.0,)).reshape(1, -1, 1, 1) + torch.tensor(mean or (0.0,)).reshape(
            1, -1, 1, 1
        )
    low, high = float(x.min()), float(x.max())
    if not (low >= -SLACK and high <= 1 + SLACK):
        what = "after mean and std are undone" if mean or std else "as given"
        raise DataError(
            f"{name}: images lie in [{low:.3g}, {high:.3g}] {what}, pixels lie in [0, 1]; if they are normalised, say "
            "with what: mean=(...), std=(...)"
        )
    return x.clamp(0, 1)


def _require_same_classes(data: Any, test: Any) -> None:
    """Labels follow the names of folders, which must be the same in both."""
    if isinstance(data, str | Path) and isinstance(test, str | Path):
        own, other = classes_in(Path(data)), classes_in(Path(test))
        if differing := sorted(set(own) ^ set(other)):
            raise DataError(
                f"test: the folders of {data} and {test} differ in {differing[0]!r}; name them alike"
            )


def _divided(samples: Samples) -> tuple[Samples, Samples]:
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    held = max(1, round(HELD_OUT * len(samples)))
    return samples.select(order[held:]), samples.select(order[:held])


def _gathered(data: Any, name: str) -> tuple[Tensor, Tensor]:
    """All that a loader or a dataset gives, once through."""
    single = not _is_loader(data)
    images, labels = [], []
    for item in _items(data, name):
        image, label = _pair(item, name)
        x, y = pixels_of(image, name), _numbers(label, name)
        if single and y.numel() != 1:
            raise DataError(
                f"{name}: {counted(y.numel(), 'label')} beside an image; give one a picture, and as a pair "
                "(images, labels) tensors or arrays"
            )
        images.append(x.unsqueeze(0) if single else x)
        labels.append(y.reshape(1) if single else y.reshape(-1))
    if not images:
        raise DataError(f"{name}: no images")
    if len({tuple(x.shape[1:]) for x in images}) > 1:
        raise DataError(f"{name}: images of several sizes; resize them to one")
    return torch.cat(images), torch.cat(labels)


def _numbers(labels: Any, name: str) -> Tensor:
    try:
        return torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name}: labels are whole numbers from 0, and these are none ({error})") from error


def _is_loader(data: Any) -> bool:
    return isinstance(data, torch.utils.data.DataLoader)


def _items(data: Any, name: str) -> Iterable[Any]:
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not _is_loader(data):
        return (data[i] for i in range(len(data)))
    if isinstance(data, Iterable):
        return data
    raise DataError(
        f"{name}: a {type(data).__name__} gives no images; give (images, labels), a DataLoader, a dataset or a folder"
    )


def _pair(item: Any, name: str) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        image = next((item[field] for field in _IMAGE if field in item), None)
        label = next((item[field] for field in _LABEL if field in item), None)
        if image is not None and label is not None:
            return image, label
        raise DataError(
            f"{name}: no image and label among {shown(', '.join(map(str, item)))}"
            + (f"; {_ELSEWHERE}" if "input_ids" in item else "")
        )
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise DataError(f"{name}: each item should be an image and its label, got {type(item).__name__}")
