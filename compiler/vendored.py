"""Whether what is vendored is byte for byte what its packages hold. `proto/third_party/README.md` and
`gateway-envoy/docs/README.md` say the same.

google/* is compared with the installed wheel. buf/validate comes from a source archive that nothing here installs, and
extauthz is trimmed by hand, so these are compared with recorded digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from compiler.buf import ROOT

VENDORED = ROOT / "proto/third_party"
WHEEL = "googleapis-common-protos"
DIGESTS = {
    "extauthz/v3/external_auth.proto": (
        "6e1886b370043b31a3036764c93b17a3c270513d687d20ad2ba163c2e3840f04",
        "Envoy 1.40, api/envoy/service/auth/v3/external_auth.proto, trimmed by hand",
    ),
    "buf/validate/validate.proto": (
        "817951eab518442950f1982be24b2c3154b214b40e42f49b915cbf5181e6ee80",
        "protovalidate-1.2.0.tar.gz from PyPI, upstream/proto/buf/validate/validate.proto",
    ),
}
"""sha256 and source of files that no installed package holds."""


SWAGGER_UI = ROOT / "gateway-envoy/docs/swagger-ui-5.35.0"
SWAGGER_UI_DIGESTS = {
    "LICENSE": "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
    "NOTICE": "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2",
    "favicon-32x32.png": "3ed612f41e050ca5e7000cad6f1cbe7e7da39f65fca99c02e99e6591056e5837",
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui-bundle.js.LICENSE.txt": "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""sha256 of what is taken of the npm package swagger-ui-dist 5.35.0."""
RENAMED = {"google/longrunning/operations.proto": "google/longrunning/operations_proto.proto"}
"""Files that the wheel holds under another name than the one their importers use."""


def differences(vendored: Path = VENDORED) -> Iterator[str]:
    """One line for each file that is not what its package holds."""
    wheel = Path(str(distribution(WHEEL).locate_file("")))
    for path in sorted(vendored.rglob("*.proto")):
        name = path.relative_to(vendored).as_posix()
        if name in DIGESTS:
            digest, source = DIGESTS[name]
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield f"{path}: vendored: copy it again from {source}, or record the new digest"
            continue
        held = wheel / RENAMED.get(name, name)
        if not held.exists():
            yield f"{path}: vendored: say in compiler/vendored.py which package it comes from"
        elif held.read_bytes() != path.read_bytes():
            yield f"{path}: vendored: copy it again from {WHEEL} {distribution(WHEEL).version}"


def page_differences(folder: Path = SWAGGER_UI) -> Iterator[str]:
    """One line for each file of the documentation page that is not what swagger-ui-dist holds, or is missing."""
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    for name in sorted(there.keys() | SWAGGER_UI_DIGESTS.keys()):
        if there.get(name) != SWAGGER_UI_DIGESTS.get(name):
            yield f"{folder / name}: vendored: copy it again from swagger-ui-dist 5.35.0, or record the new digest"
