"""Weights files of the Hugging Face hub, `hf://owner/name` or `hf://owner/name@revision`: fetched, never run."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from ownmark.checkpoints.read import FOLDER, INDEX
from ownmark.errors import OwnmarkError
from ownmark.foreign import shown

_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?/?")


def fetched(address: str) -> tuple[Path, str]:
    """The repository's weights file, kept as long as this process lives, and the address with the commit fetched.

    Raises:
        OwnmarkError: no such repository, no network, no weights file in it, or `huggingface_hub` is not installed.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise OwnmarkError(f"{shown(address, 200)}: expected hf://owner/name, or hf://owner/name@revision")
    try:
        from huggingface_hub import HfApi, hf_hub_download
    except ImportError:
        raise OwnmarkError("hf:// takes the package huggingface_hub: pip install 'ownmark[hub]'") from None
    repository, revision = found[1], found[2]
    endpoint, folder = os.environ.get("HF_ENDPOINT"), tempfile.mkdtemp(prefix="ownmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        about = HfApi(endpoint=endpoint).model_info(repository, revision=revision, timeout=30)
        names = {str(one.rfilename) for one in about.siblings or ()}
        first = next((name for base in FOLDER for name in (base, base + INDEX) if name in names), None)
        if first is None:
            raise OwnmarkError(f"{address}: holds no weights file; looked for {', '.join(FOLDER)}")

        def fetch(name: str) -> Path:
            got = hf_hub_download(repository, name, revision=about.sha, endpoint=endpoint, local_dir=folder)
            return Path(got)

        path = fetch(first)
        for part in sorted(_shards(path) & names) if first.endswith(INDEX) else ():
            fetch(part)
    except OwnmarkError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise OwnmarkError(
            f"{address}: cannot be fetched ({type(error).__name__}: {shown(said, 200)})"
        ) from error
    return path, f"hf://{repository}@{about.sha}"


def _shards(index: Path) -> set[str]:
    return {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
