"""Pictures with texts, out of a zip or a folder.

Pictures are cut to their middle square, shrunk, and kept as bytes. The words come from the training texts alone.
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ownmark.contracts import Dataset, Images, Samples
from ownmark.errors import DataError
from ownmark_generative.captions.config import CaptionsConfig
from ownmark_generative.captions.words import UNKNOWN, encoded, learnt

Read = Callable[[str], bytes]
COLUMNS = "the columns image, caption_index and caption, in UTF-8"
COCO = "COCO's `images` [{id, file_name}] and `annotations` [{image_id, caption}]"


class Captions(Dataset):
    """`Images` whose labels are token ids [N, references, length]."""

    config: CaptionsConfig

    def load(self) -> Images:
        """Pictures and texts, divided by name.

        Raises:
            DataError: a file is missing or damaged, or a picture has too few texts.
        """
        texts = self._texts()
        names = sorted(texts)
        cut = len(names) - round(self.config.test * len(names))
        if not 0 < cut < len(names):
            raise DataError(f"{self._path()}: {len(names)} pictures leave none to train or to test on")
        words = learnt([text for name in names[:cut] for text in texts[name]], self.config.vocabulary)
        parts = []
        for some in (names[:cut], names[cut:]):
            ids = [encoded(words, texts[name], self.config.length) for name in some]
            parts.append(Samples(self._pictures(some), torch.stack(ids)))
        ids = sorted(words.get_vocab().items(), key=lambda pair: pair[1])
        said = tuple("" if i < UNKNOWN else word for word, i in ids)
        return Images(*parts, classes=len(said), words=said)

    def check(self) -> None:
        """The file must be there, with texts in it."""
        self._texts()

    def fingerprint(self) -> str:
        """Size and time of the file, or of the list of texts."""
        path = self._path()
        file = path if path.is_file() else path / self._list
        told = file.stat()
        return f"{told.st_size} {told.st_mtime_ns}"

    @property
    def _list(self) -> str:
        return self.config.annotations or "captions.csv"

    def _path(self) -> Path:
        given = self.config.path.expanduser()
        places = [given, Path(os.environ.get("OWNMARK_DATA", ".")) / given]
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise DataError(f"{given}: no such file or folder, neither here nor in OWNMARK_DATA; set `path`")
        return found

    def _reader(self) -> Read:
        """Bytes of a file inside the zip or the folder."""
        path = self._path()
        if path.is_dir():
            return lambda name: _within(path, name).read_bytes()
        try:
            archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: expected a zip or a folder ({error})") from error
        return archive.read

    def _texts(self) -> Mapping[str, list[str]]:
        """Picture name -> its first texts."""
        where = f"{self._path()}: {self._list}"
        try:
            content = self._reader()(self._list).decode()
            found = _coco(content) if self.config.annotations else _rows(content)
        except (KeyError, OSError, ValueError, TypeError, csv.Error) as error:
            form = COCO if self.config.annotations else COLUMNS
            raise DataError(f"{where}: expected {form} ({type(error).__name__}: {error})") from error
        if not found:
            raise DataError(f"{where}: names no picture")
        count = self.config.references
        few = [name for name, texts in found.items() if len(texts) < count]
        if few:
            raise DataError(f"{where}: expected {count} texts a picture, {few[0]} has fewer")
        return {name: texts[:count] for name, texts in found.items()}

    def _pictures(self, names: list[str]) -> Tensor:
        """uint8 [N, 3, size, size]."""
        read = self._reader()
        return torch.stack([self._picture(name, read) for name in names])

    def _picture(self, name: str, read: Read) -> Tensor:
        import numpy as np
        from PIL import Image, ImageOps, UnidentifiedImageError

        try:
            with Image.open(io.BytesIO(read(f"{self.config.folder}/{name}"))) as picture:
                size = (self.config.size, self.config.size)
                shrunk = ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.BICUBIC)
        except UnidentifiedImageError as error:
            raise DataError(f"{self._path()}: {name}: no picture") from error
        except (KeyError, OSError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{self._path()}: {name}: cannot be read ({error})") from error
        return torch.from_numpy(np.array(shrunk)).permute(2, 0, 1).contiguous()


def _within(folder: Path, name: str) -> Path:
    """The file of that name; lists come with the data and choose no file elsewhere.

    Raises:
        ValueError: it is not in the folder.
    """
    if ".." in Path(name).parts:
        raise ValueError("it lies outside the folder")
    return folder / name


def _rows(content: str) -> dict[str, list[str]]:
    """Texts by picture out of `image,caption_index,caption`, in the order of the index."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(content)):
        found[row["image"]].append((int(row["caption_index"]), row["caption"]))
    return {name: [text for _, text in sorted(texts)] for name, texts in found.items()}


def _coco(content: str) -> dict[str, list[str]]:
    """Texts by picture out of COCO's `images` [{id, file_name}] and `annotations` [{image_id, caption}]."""
    told = json.loads(content)
    names = {image["id"]: str(image["file_name"]) for image in told["images"]}
    found: dict[str, list[str]] = defaultdict(list)
    for one in told["annotations"]:
        found[names[one["image_id"]]].append(str(one["caption"]))
    return found
