"""The guard before a model's folder: what only holds numbers may pass, what could run code may not."""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from workers.backends._weights import check_weights

TENSOR: dict[str, Any] = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def safetensors(header: Any = None, data: bytes = b"\0" * 4, length: int | None = None) -> bytes:
    """A file of one tensor, or whatever ``header`` makes of it."""
    text = header if isinstance(header, bytes) else json.dumps({"w": TENSOR} if header is None else header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder as people download it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors())
    files: dict[str, Any] = {
        "config.json": {"model_type": "llama", "attn_implementation": "sdpa", "use_cache": True},
        "tokenizer_config.json": {"chat_template": "{{ auto_map }}"},
        "adapter_config.json": {"auto_mapping": None, "trust_remote_code": False},
        "model.safetensors.index.json": {"weight_map": {"w": "model.safetensors"}},
    }
    for name, found in files.items():
        (folder / name).write_text(json.dumps(found))
    (folder / "vocab.txt").write_text("cat\ndog\npen\nPKU\n")
    (folder / "original").mkdir()
    return folder


class Malicious:
    """Whoever unpickles it creates a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "it-ran"


def pickled(canary: Path, protocol: int = 2) -> bytes:
    """A real one: loading it would call a function. It is only read here, never loaded."""
    data = pickle.dumps(Malicious(canary), protocol=protocol)
    assert {"REDUCE"} <= {opcode.name for opcode, _, _ in pickletools.genops(data)}
    return data


def zipped(canary: Path) -> bytes:
    """The form of torch.save: a zip archive with a pickle inside."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(canary))
    return whole.getvalue()


def test_a_model_in_safetensors_passes(model: Path) -> None:
    check_weights(model)


def test_the_hubs_own_cache_passes(model: Path, tmp_path: Path) -> None:
    """There every file is a link to a blob of the same model."""
    repository = tmp_path / "models--a--b"
    snapshot, blobs = repository / "snapshots" / "0a1b", repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(file for file in model.iterdir() if file.is_file()):
        file.rename(blobs / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    check_weights(snapshot)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights", "model.txt", "original/notes.md"])
def test_a_pickle_is_refused_by_any_name(model: Path, canary: Path, name: str, protocol: int) -> None:
    (model / name).write_bytes(pickled(canary, protocol))
    with pytest.raises(SettingsError, match=f"{Path(name).name}.*(delete|Download)"):
        check_weights(model)
    assert not canary.exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused(model: Path, canary: Path) -> None:
    for data in (pickled(canary), zipped(canary)):
        (model / "model.safetensors").write_bytes(data)
        with pytest.raises(SettingsError, match=r"model\.safetensors is no safetensors file"):
            check_weights(model)
    assert not canary.exists()


def test_an_archive_of_torch_is_refused_by_any_name(model: Path, canary: Path) -> None:
    for name in ("model.pt", "consolidated", "README.md"):
        (model / name).write_bytes(zipped(canary))
        with pytest.raises(SettingsError, match=name):
            check_weights(model)
        (model / name).unlink()
    assert not canary.exists()


@pytest.mark.parametrize(
    "name",
    ["a.bin", "a.BIN", "a.pt", "a.pth", "a.ckpt", "a.pkl", "a.pickle", "a.msgpack", "a.h5", "original/a.pth", ".x.bin"],
)
def test_other_formats_are_refused_by_name(model: Path, name: str) -> None:
    """Even empty ones: a loader may prefer them to what was looked at. The way out is said."""
    (model / name).write_bytes(b"")
    with pytest.raises(SettingsError, match=r"safetensors version.*delete"):
        check_weights(model)


@pytest.mark.parametrize("name", ["modeling_x.py", "original/deep.PY", "kernel.so", "install.sh"])
def test_code_in_the_folder_is_refused(model: Path, name: str) -> None:
    (model / name).write_text("")
    with pytest.raises(SettingsError, match="is code"):
        check_weights(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "original/params.json"])
@pytest.mark.parametrize(
    "found",
    [
        {"auto_map": {"AutoModel": "modeling_x.X"}},
        {"auto_map": {"AutoModel": "somebody/else--modeling_x.X"}},
        {"vision_config": {"layers": [{"auto_map": {"AutoConfig": "x.X"}}]}},
        {"detector": {"trust_remote_code": True}},
        {"custom_pipelines": {"x": {"impl": "x.X"}}},
        {"auto_mapping": {"base_model_class": "system", "parent_library": "os"}},
        {"_attn_implementation_internal": "somebody/kernel"},
        {"text_config": {"attn_implementation": {"": "somebody/kernel"}}},
    ],
    ids=range(8),
)
def test_a_configuration_that_names_code_is_refused(model: Path, name: str, found: Any) -> None:
    """Wherever it stands; loaders differ in what they obey."""
    (model / name).write_text(json.dumps(found))
    with pytest.raises(SettingsError, match=f"{Path(name).name} names code"):
        check_weights(model)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ufeff{}", "{'auto_map': 1}"], ids=range(5))
def test_a_configuration_that_cannot_be_read_is_refused(model: Path, text: str) -> None:
    (model / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"config\.json is no JSON"):
        check_weights(model)


@pytest.mark.parametrize("file", ["../x.safetensors", "/etc/x.safetensors", "pytorch_model-1.bin", "", 1])
def test_an_index_names_only_what_was_looked_at(model: Path, file: Any) -> None:
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": file}}))
    with pytest.raises(SettingsError, match=r"index\.json names weights"):
        check_weights(model)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "sub"])
def test_a_link_does_not_lead_out(model: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(safetensors())
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to(outside if name == "sub" else outside / "file")
    with pytest.raises(SettingsError, match=f"{name} leads out"):
        check_weights(model)


@pytest.mark.parametrize("to", ["nowhere", "sub", "."])
def test_a_link_leads_to_a_file(model: Path, to: str) -> None:
    """Not to nothing, nor round in a circle."""
    (model / "sub").mkdir()
    (model / "link").symlink_to(to)
    with pytest.raises(SettingsError, match="no plain file"):
        check_weights(model)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 7, b"\0" * 64, safetensors(b"[]"), safetensors(b'"{}"'), safetensors(b"{"),
        safetensors(b"\xff\xfe"), safetensors(b" " * 9), safetensors(b"{" * 99_999), safetensors(length=1 << 63),
        safetensors(length=200_000_000),
        safetensors({"w": 1}), safetensors({"w": {}}), safetensors({"w": TENSOR | {"data_offsets": [0, 5]}}),
        safetensors({"w": TENSOR | {"data_offsets": [-4, 0]}}), safetensors({"w": TENSOR | {"data_offsets": [4, 0]}}),
        safetensors({"w": TENSOR | {"data_offsets": [0.0, 4.0]}}), safetensors({"w": TENSOR | {"dtype": 1}}),
        safetensors({"w": TENSOR | {"shape": "1"}}), safetensors({"__metadata__": {"format": {"x": 1}}}),
        safetensors()[:-1],
    ],
    ids=range(21),
)  # fmt: skip
def test_a_header_is_plain_and_true(model: Path, data: bytes) -> None:
    """JSON, an object of tensors that lie within the file; anything else is another format, or a cut download."""
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(SettingsError, match=r"model\.safetensors is no safetensors file"):
        check_weights(model)


def test_notes_in_a_header_are_texts(model: Path) -> None:
    (model / "model.safetensors").write_bytes(safetensors({"w": TENSOR, "__metadata__": {"format": "pt"}}))
    check_weights(model)


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    for folder, words in ((tmp_path, r"no \.safetensors file"), (tmp_path / "nowhere", "LLM_MODEL")):
        with pytest.raises(SettingsError, match=words):
            check_weights(folder)
