"""Ways to tamper with a saved model: every file, every kind of value, and what only a stranger would think of.

`tamperings` makes a list of named changes of a copy of the folder; nothing is random but by its seed. A change that is
followed by `reseal` is one of a stranger who knows about the checksums.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from multimodal.storage.checksums import KEY, with_checksums

INFO = "model.json"
MARK = "CODE_WAS_RUN"
_DEEP = 100_000
# JSON text that replaces a value.
_VALUES = {
    "null": "null", "true": "true", "a text": '"x"', "no text": '""', "a list": "[]", "an object": "{}", "-1": "-1",
    "0": "0", "half": "0.5", "2**31": str(2**31), "10**18": str(10**18), "5,000 digits": "9" * 5_000, "1e400": "1e400",
    "NaN": "NaN", "-Infinity": "-Infinity", "deep": "[" * _DEEP + "]" * _DEEP, "a surrogate": '"\\ud800"',
    "an escape": '"\\u001b]0;x\\u0007"', "a path": '"../../../../etc/passwd"', "a hub id": '"someone/else"',
    "a long list": "[" + "0," * 99_999 + "0]",
}  # fmt: skip
_MOST_VALUES = 400


@dataclass(frozen=True)
class Tampering:
    """One change of a model folder.

    Attributes:
        name: says what is changed, unique for a folder and seed.
        apply: changes a copy of the folder.
    """

    name: str
    apply: Callable[[Path], None]


class _Evil:
    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


def reseal(folder: Path) -> None:
    """Write the checksums anew, as a stranger would; what cannot be read is left as it is."""
    values = _info(folder)
    with suppress(OSError, ValueError):
        if values is not None:
            (folder / INFO).write_text(json.dumps(with_checksums(folder, INFO, values)))


def without_checksums(folder: Path) -> None:
    """Remove the checksums, so that the model looks like one of an earlier version."""
    values = _info(folder)
    if values is not None:
        (folder / INFO).write_text(json.dumps(values))


def _info(folder: Path) -> dict[str, Any] | None:
    """Return the description of a model without its checksums, or None where it cannot be read."""
    path = folder / INFO
    try:
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (ValueError, RecursionError):
        return None
    return {key: value for key, value in values.items() if key != KEY} if isinstance(values, dict) else None


def tamperings(folder: Path, seed: int) -> list[Tampering]:
    """Return changes of every file of a model folder.

    Args:
        folder: a whole model, which is only read.
        seed: of the places of bit flips and cuts, and of the values that are replaced where there are many.
    """
    draw = random.Random(seed)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found: list[Tampering] = []
    for name in files:
        found += _of_any_file(name, (folder / name).stat().st_size, draw)
        if name.endswith(".json"):
            found += _of_json(name, json.loads((folder / name).read_text(encoding="utf-8")), draw)
        if name.endswith(".safetensors"):
            found += _of_header(name)
            found += _of_tensors(name, load_file(folder / name))
    found += _added_files()
    return found


def _of_any_file(name: str, size: int, draw: random.Random) -> Iterator[Tampering]:
    def write(make: Callable[[bytes], bytes]) -> Callable[[Path], None]:
        return lambda folder: _rewrite(folder / name, make)

    places = [draw.randrange(max(size, 1)) for _ in range(6)]
    yield Tampering(f"{name} is missing", lambda folder: (folder / name).unlink())
    yield Tampering(f"{name} is empty", write(lambda _: b""))
    yield Tampering(f"{name} is cut by a byte", write(lambda data: data[:-1]))
    yield Tampering(f"{name} is cut at {places[0]}", write(lambda data: data[: places[0]]))
    yield Tampering(f"{name} has a byte more", write(lambda data: data + b"x"))
    yield Tampering(f"{name} is of zeros", write(lambda data: bytes(len(data))))
    for place in places:
        bit = 1 << draw.randrange(8)
        yield Tampering(
            f"{name} has byte {place} xor {bit}", write(lambda data, at=place, bit=bit: _flip(data, at, bit))
        )
    yield Tampering(f"{name} is a pickle", write(lambda _: pickle.dumps(_Evil())))
    yield Tampering(f"{name} is a pickle of protocol 0", write(lambda _: pickle.dumps(_Evil(), 0)))
    yield Tampering(f"{name} is a zip archive with a pickle", lambda folder: _zip_pickle(folder / name))
    yield Tampering(f"{name} is a pipe", lambda folder: _replace(folder / name, os.mkfifo))
    yield Tampering(f"{name} is a folder", lambda folder: _replace(folder / name, os.mkdir))
    for target in ("/dev/zero", "/dev/random", "/etc/passwd", "nowhere", name.rpartition("/")[2]):
        yield Tampering(
            f"{name} links to {target}",
            lambda folder, target=target: _replace(folder / name, lambda path: path.symlink_to(target)),
        )


def _rewrite(path: Path, make: Callable[[bytes], bytes]) -> None:
    path.write_bytes(make(path.read_bytes()))


def _flip(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :] if data else b"\x01"


def _replace(path: Path, make: Callable[[Path], Any]) -> None:
    path.unlink()
    make(path)


def _zip_pickle(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"x": _Evil()}))
        archive.writestr("archive/version", "3\n")


def _of_json(name: str, value: Any, draw: random.Random) -> Iterator[Tampering]:
    for label, text in _VALUES.items():
        yield Tampering(f"{name} is {label}", lambda folder, text=text: _write(folder / name, text))
    yield Tampering(
        f"{name} has a byte order mark", lambda folder: _rewrite(folder / name, lambda d: b"\xef\xbb\xbf" + d)
    )
    yield Tampering(f"{name} is not UTF-8", lambda folder: _rewrite(folder / name, lambda d: d[:-2] + b"\xff" + d[-2:]))
    yield Tampering(f"{name} is followed by more", lambda folder: _rewrite(folder / name, lambda d: d + b" {}"))
    yield Tampering(f"{name} names its keys twice", lambda folder: _rewrite(folder / name, _twice))
    changes = [(place, label) for place in _places(value) for label in (*_VALUES, "gone", "twice", "turned", "another")]
    for place, label in sorted(draw.sample(changes, min(len(changes), _MOST_VALUES)), key=str):
        shown = ".".join(map(str, place))
        yield Tampering(
            f"{name}: {shown} is {label}",
            lambda folder, place=place, label=label: _write(folder / name, _changed(folder / name, place, label)),
        )


def _twice(data: bytes) -> bytes:
    text = data.strip()
    return text[:-1] + b"," + text[1:] if text.startswith(b"{") and len(text) > 2 else text


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value; of long lists and objects, of the first and last few."""
    if isinstance(value, dict):
        members = list(value)
    elif isinstance(value, list):
        members = list(range(len(value)))
    else:
        return
    for member in members if len(members) <= 40 else (*members[:2], *members[-2:]):
        yield (*place, member)
        yield from _places(value[member], (*place, member))


def _changed(path: Path, place: tuple[Any, ...], label: str) -> str:
    """Return the text of a JSON file with one value replaced."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    inside = whole
    for part in place[:-1]:
        inside = inside[part]
    last, marker = place[-1], "\0here"
    old = inside[last]
    if label == "gone":
        del inside[last]
        return json.dumps(whole)
    if label in _VALUES:
        inside[last] = marker
        return json.dumps(whole).replace(json.dumps(marker), _VALUES[label])
    inside[last] = _own_change(old, label)
    return json.dumps(whole)


def _own_change(old: Any, label: str) -> Any:
    """Return a value of the same type that is twice, turned round, or just another."""
    if isinstance(old, list):
        return {"twice": old + old, "turned": old[::-1], "another": old[:-1]}[label]
    if isinstance(old, dict):
        return {"twice": {**old, **{f"{key}2": one for key, one in old.items()}},
                "turned": dict(reversed(old.items())), "another": {**old, "unknown": 1}}[label]  # fmt: skip
    if isinstance(old, bool) or old is None:
        return not old
    if isinstance(old, str):
        return {"twice": old + old, "turned": old[::-1], "another": f"{old}x"}[label]
    return {"twice": old * 2, "turned": -old, "another": old + 1}[label]


def _of_header(name: str) -> Iterator[Tampering]:
    """Change the header of a safetensors file, which is JSON behind its length."""

    def edit(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            data = (folder / name).read_bytes()
            length = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8 : 8 + length])
            header = change(header) or header
            text = json.dumps(header).encode()
            (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

        return apply

    def raw(*parts: Any) -> Callable[[Path], None]:
        return lambda folder: (folder / name).write_bytes(b"".join(parts))

    def of_first(**values: Any) -> Callable[[Path], None]:
        return edit(lambda header: header[_first(header)].update(values))

    yield Tampering(f"{name} claims a header of 2**63 bytes", raw(struct.pack("<Q", 2**63), b"{}"))
    yield Tampering(f"{name} claims a header of 90 MB", raw(struct.pack("<Q", 90_000_000), b"{}"))
    yield Tampering(f"{name} has a deep header", raw(struct.pack("<Q", _DEEP), b"[" * _DEEP))
    yield Tampering(f"{name} holds nothing", raw(struct.pack("<Q", 2), b"{}"))
    yield Tampering(
        f"{name} has a dimension more", edit(lambda h: h[_first(h)].update(shape=[1, *h[_first(h)]["shape"]]))
    )
    yield Tampering(f"{name} has overlapping tensors", edit(_overlap))
    yield Tampering(f"{name} reaches beyond its end", of_first(data_offsets=[0, 2**40], shape=[2**38]))
    yield Tampering(f"{name} has a negative size", of_first(shape=[-1]))
    yield Tampering(f"{name} has a type nobody knows", of_first(dtype="F8_E9"))
    yield Tampering(f"{name} has another type of the same width", edit(_swap_types))
    yield Tampering(
        f"{name} names a tensor otherwise",
        edit(lambda h: {**{"evil" if k == _first(h) else k: v for k, v in h.items()}}),
    )
    yield Tampering(f"{name} has long metadata", edit(lambda h: {**h, "__metadata__": {"x": "y" * 10**6}}))


def _first(header: dict[str, Any]) -> str:
    return next(name for name in header if name != "__metadata__")


def _others(header: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in header.items() if name != _first(header)}


def _dimension_more(header: dict[str, Any]) -> None:
    tensor = header[_first(header)]
    tensor["shape"] = [1, *tensor["shape"]]


def _overlap(header: dict[str, Any]) -> None:
    for name, tensor in header.items():
        if name != "__metadata__":
            start, stop = tensor["data_offsets"]
            tensor["data_offsets"] = [0, stop - start]


def _swap_types(header: dict[str, Any]) -> None:
    swapped = {"F32": "I32", "I32": "F32", "I64": "F64", "F64": "I64"}
    for name, tensor in header.items():
        if name != "__metadata__":
            tensor["dtype"] = swapped.get(tensor["dtype"], tensor["dtype"])


Array = np.ndarray[Any, Any]
_OF_ALL: dict[str, Callable[[Array], Array]] = {
    "is of 64 bits": lambda x: x.astype(np.float64 if x.dtype.kind == "f" else np.int32),
    "is of 16 bits": lambda x: x.astype(np.float16 if x.dtype.kind == "f" else np.int16),
    "is of the other kind": lambda x: x.astype(np.int64 if x.dtype.kind == "f" else np.float32),
    "is of truth values": lambda x: x.astype(np.bool_),
    "has a row less": lambda x: x[:-1] if x.ndim else x[None],
    "has a row more": lambda x: np.concatenate([x, x[:1]]) if x.ndim else x[None],
    "has no rows": lambda x: x[:0] if x.ndim else x[None],
    "has a dimension more": lambda x: x[..., None],
    "is transposed": lambda x: x.T if x.ndim > 1 else x[None],
    "is turned round": lambda x: x[::-1] if x.ndim else -x,
    "is of zeros": lambda x: np.zeros_like(x),
    "is of ones": lambda x: np.ones_like(x),
    "is negative": lambda x: -x - 1,
    "is vast": lambda x: np.full_like(x, 3e38 if x.dtype.kind == "f" else np.iinfo(x.dtype).max),
    "is very negative": lambda x: np.full_like(x, -3e38 if x.dtype.kind == "f" else np.iinfo(x.dtype).min),
    "is a billion": lambda x: np.full_like(x, 10**9),
    "is a bit more": lambda x: x + np.ones_like(x),
}
_OF_FLOATS: dict[str, Callable[[Array], Array]] = {
    "is NaN": lambda x: np.full_like(x, np.nan),
    "is infinite": lambda x: np.full_like(x, np.inf),
    "has one NaN": lambda x: _with_last(x, np.nan),
    "has one -inf": lambda x: _with_last(x, -np.inf),
    "is tiny": lambda x: np.full_like(x, 1e-45),
    "is halves": lambda x: np.floor(x) + np.float32(0.5),
}


def _of_tensors(name: str, arrays: dict[str, Array]) -> Iterator[Tampering]:
    for tensor, array in arrays.items():
        for label, change in {**_OF_ALL, **(_OF_FLOATS if array.dtype.kind == "f" else {})}.items():
            yield Tampering(
                f"{name}: {tensor} {label}",
                lambda folder, tensor=tensor, change=change: _edit(folder / name, tensor, change),
            )
        yield Tampering(f"{name}: {tensor} is gone", lambda folder, tensor=tensor: _edit(folder / name, tensor, None))
    yield Tampering(f"{name} has a tensor more", lambda folder: _edit(folder / name, "evil", lambda _: np.zeros(3)))


def _edit(path: Path, tensor: str, change: Callable[[Array], Array] | None) -> None:
    arrays = load_file(path)
    old = arrays.pop(tensor, np.empty(0))
    if change is not None:
        with np.errstate(all="ignore"):
            arrays[tensor] = change(old)
    save_file({name: np.array(array, order="C", copy=True) for name, array in arrays.items()}, path)


def _with_last(array: Array, value: float) -> Array:
    changed = array.copy()
    changed.reshape(-1)[-1:] = value
    return changed


_CODE = f"""
open({MARK!r}, "w").close()
from transformers import BertConfig, BertModel
class C(BertConfig): pass
class M(BertModel): pass
"""
_ADDED = {
    "adapter_config.json": '{"base_model_name_or_path": "someone/else", "peft_type": "LORA"}',
    "added_tokens.json": '{"sun": 5}',
    "special_tokens_map.json": '{"unk_token": "the"}',
    "generation_config.json": "{}",
    "model.safetensors.index.json": '{"metadata": {}, "weight_map": {"x": "../../evil.safetensors"}}',
    "evil.py": _CODE,
    "tokenizer.model": "x",
    "chat_template.jinja": "{{ 1 }}",
}


def _added_files() -> Iterator[Tampering]:
    """Add files where they would be read, among them code that the description of a model refers to."""
    for part in ("caption_encoder", "image_encoder"):
        for name, text in _ADDED.items():
            yield Tampering(
                f"{part}/{name} is added",
                lambda folder, part=part, name=name, text=text: _add(folder / part, name, text.encode()),
            )
        for name in ("pytorch_model.bin", "model.pt"):
            yield Tampering(
                f"{part}/{name} is added",
                lambda folder, part=part, name=name: _add(folder / part, name, pickle.dumps(_Evil())),
            )
            yield Tampering(
                f"{part}/{name} instead of safetensors",
                lambda folder, part=part, name=name: _only_pickle(folder / part, name),
            )
    yield Tampering("caption_encoder is a transformer with code", _with_code)


def _add(folder: Path, name: str, content: bytes) -> None:
    if folder.is_dir():
        (folder / name).write_bytes(content)


def _only_pickle(folder: Path, name: str) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    _add(folder, name, pickle.dumps(_Evil()))


def _with_code(folder: Path) -> None:
    encoder = folder / "caption_encoder"
    shutil.rmtree(encoder, ignore_errors=True)
    encoder.mkdir()
    (encoder / "evil.py").write_text(_CODE)
    code = {"AutoConfig": "evil.C", "AutoModel": "evil.M", "AutoTokenizer": [None, "evil.T"]}
    (encoder / "config.json").write_text(json.dumps({"model_type": "evil", "hidden_size": 8, "auto_map": code}))
    (encoder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T", "auto_map": code}))
    described = {"format_version": 1, "kind": "caption", "config": {"name": "transformer"}}
    (encoder / "encoder.json").write_text(json.dumps(described))
