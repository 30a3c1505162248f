"""Keys and weights on disk: what is written comes back, what is not ours is refused, nothing is unpickled."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ownmark.contracts import Key
from ownmark.contracts.weights import read_tensors, write_tensors
from ownmark.errors import UntrustedFile

TENSORS = {
    "triggers": torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)),
    "labels": torch.tensor([1, 2, 3]),
    "bits": torch.tensor([True, False]),
    "half": torch.ones(2, dtype=torch.bfloat16),
    "number": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
}


def example(**values: object) -> Key:
    return Key("noise", TENSORS, {"layer": "features.2", "target": 0, "text": "ä", **values})


class Bomb:
    """Unpickling it would be noticed."""

    went_off = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return explode, ()


def explode() -> dict[str, object]:
    Bomb.went_off = True
    return {}


def test_a_key_comes_back_from_disk_as_it_was_saved(tmp_path: Path) -> None:
    key = example()
    key.save(tmp_path / "key.safetensors")
    loaded = Key.load(tmp_path / "key.safetensors")
    assert (loaded.scheme, dict(loaded.values)) == (key.scheme, dict(key.values))
    assert loaded.tensors.keys() == key.tensors.keys()
    for name, tensor in key.tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype
    assert loaded.digest() == key.digest()


@pytest.mark.parametrize(
    "other",
    [
        example(target=1),
        Key("content", TENSORS, example().values),
        Key("noise", TENSORS | {"labels": torch.tensor([1, 2, 4])}, example().values),
        Key("noise", TENSORS | {"labels": torch.tensor([[1], [2], [3]])}, example().values),
        Key("noise", TENSORS | {"labels": torch.tensor([1, 2, 3], dtype=torch.int32)}, example().values),
        Key("noise", {n: t for n, t in TENSORS.items() if n != "empty"}, example().values),
    ],
    ids=["value", "scheme", "entry", "shape", "type", "missing tensor"],
)
def test_keys_that_differ_have_other_digests(other: Key) -> None:
    assert other.digest() != example().digest()


def test_the_digest_knows_no_order_and_no_memory_layout() -> None:
    images = torch.rand(2, 3, 4, 4)
    forth = Key("a", {"x": images, "y": torch.ones(1)}, {"p": 1, "q": 2})
    back = Key("a", {"y": torch.ones(1), "x": images.to(memory_format=torch.channels_last)}, {"q": 2, "p": 1})
    assert forth.digest() == back.digest()


def test_added_material_is_a_detached_copy() -> None:
    weight = torch.ones(2, requires_grad=True)
    key = example().add({"weight": weight}, layer="fc")
    with torch.no_grad():
        weight.zero_()
    assert key["weight"].tolist() == [1, 1]
    assert not key["weight"].requires_grad
    assert (key.values["layer"], key.values["target"]) == ("fc", 0)


def test_a_key_is_no_network_and_a_network_no_key(tmp_path: Path) -> None:
    write_tensors(tmp_path / "model", {"w": torch.ones(2)}, {"ownmark": "model"})
    with pytest.raises(UntrustedFile, match="holds 'model', expected a key"):
        Key.load(tmp_path / "model")
    save_file({"w": torch.ones(2)}, tmp_path / "plain")
    with pytest.raises(UntrustedFile, match="no ownmark data"):
        Key.load(tmp_path / "plain")
    assert read_tensors(tmp_path / "plain")[0]["w"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "header", [{}, {"scheme": "a"}, {"scheme": "a", "values": "{"}, {"scheme": "a", "values": "3"}]
)
def test_a_key_with_a_damaged_header_is_refused(header: dict[str, str], tmp_path: Path) -> None:
    write_tensors(tmp_path / "key", {"w": torch.ones(2)}, {"ownmark": "key", **header})
    with pytest.raises(UntrustedFile, match="without a readable header"):
        Key.load(tmp_path / "key")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_raw_pickle_is_refused_and_not_read(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "suspect.safetensors"
    path.write_bytes(pickle.dumps(Bomb(), protocol))
    with pytest.raises(UntrustedFile, match=r"suspect\.safetensors: .*(pickle|not a readable safetensors)"):
        read_tensors(path)
    assert not Bomb.went_off


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_torch_save_writes_is_refused_as_a_pickle(zipped: bool, tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2), "b": Bomb()}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UntrustedFile, match=r"this is a pickle.*safetensors\.torch\.save_file"):
        read_tensors(tmp_path / "x.pt")
    assert not Bomb.went_off


def test_safetensors_that_begin_with_the_byte_of_a_pickle_are_read(tmp_path: Path) -> None:
    """A header of 128 + 256 k bytes makes 0x80 the first byte of the file, in one file of 32."""
    starts = set()
    for pad in range(0, 512, 8):
        path = tmp_path / str(pad)
        write_tensors(path, {"w": torch.ones(2)}, {"ownmark": "key", "pad": "x" * pad})
        starts.add(path.read_bytes()[0])
        assert read_tensors(path, "key")[0]["w"].tolist() == [1, 1]
    assert 0x80 in starts


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 30, -1])
def test_truncated_safetensors_are_refused(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    example().save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UntrustedFile, match="not a readable safetensors file"):
        read_tensors(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 1 << 40]}}).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(UntrustedFile, match="not a readable safetensors file"):
        read_tensors(tmp_path / "x")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UntrustedFile, match="no such file"):
            read_tensors(path)


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    tied = torch.arange(6.0).reshape(2, 3)
    write_tensors(tmp_path / "x", {"a": tied, "b": tied.T, "c": tied[0]}, {})
    read = read_tensors(tmp_path / "x")[0]
    assert torch.equal(read["b"], tied.T)
    assert torch.equal(read["c"], tied[0])
