"""Whether the vendored protos are byte for byte what their packages hold, or what was recorded. `proto/third_party/README.md` says the same.

google/* is compared with the installed wheel. buf/validate comes from a source archive that nothing here installs, and
extauthz is trimmed by hand, so these are compared with a recorded digest.
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


def differences(vendored: Path = VENDORED) -> Iterator[str]:
    """One line for each file that is not what its package holds."""
    wheel = Path(str(distribution(WHEEL).locate_file("")))
    for path in sorted(vendored.rglob("*.proto")):
        name = path.relative_to(vendored).as_posix()
        if name in DIGESTS:
            digest, source = DIGESTS[name]
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield f"{path}: vendored: copy it again from {source}, or record the new digest"
        elif not (wheel / name).exists():
            yield f"{path}: vendored: say in compiler/vendored.py which package it comes from"
        elif (wheel / name).read_bytes() != path.read_bytes():
            yield f"{path}: vendored: copy it again from {WHEEL} {distribution(WHEEL).version}"
