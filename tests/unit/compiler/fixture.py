"""The small contract of the tests, whole or with one text replaced by another."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

from compiler import reader
from compiler.buf import ROOT
from compiler.model import Contract

PROTO = Path(__file__).parent / "proto"
_SHOP = "trellis/shop/v1/shop.proto"


def contract(old: str = "", new: str = "") -> Contract:
    """The fixture; with `old`, every place where it stands has `new` instead."""
    text = (PROTO / _SHOP).read_text()
    assert old in text
    with tempfile.TemporaryDirectory() as work:
        shop, image = Path(work, _SHOP), Path(work, "image.binpb")
        shop.parent.mkdir(parents=True)
        shop.write_text(text.replace(old, new) if old else text)
        roots = [work, PROTO, ROOT / "proto", ROOT / "proto/third_party", files("grpc_tools") / "_proto"]
        names = [_SHOP, "trellis/shop/v1/shelf.proto", "trellis/till/v1/till.proto", "trellis/policy/v1/common_reason.proto"]
        out = [f"--descriptor_set_out={image}", "--include_imports", "--include_source_info"]
        assert protoc.main(["protoc", *(f"-I{root}" for root in roots), *out, *names]) == 0
        return reader.read(image.read_bytes())
