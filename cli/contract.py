"""The contract as the command line sees it: the committed descriptor set, in a pool of its own."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor

from cli.home import ROOT

DESCRIPTOR = ROOT / "gen" / "descriptor" / "trellis.binpb"


class Unknown(Exception):
    """The contract has nothing of that name; the message names what is near."""


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """Return a pool with every file of the contract."""
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR.read_bytes())
    found = descriptor_pool.DescriptorPool()
    for file in files.file:
        found.AddSerializedFile(file.SerializeToString())
    return found


@cache
def methods() -> dict[str, MethodDescriptor]:
    """Return every RPC by `Service.Method`."""
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR.read_bytes())
    found: dict[str, Any] = {}
    for file in files.file:
        for service in file.service:
            descriptor = pool().FindServiceByName(f"{file.package}.{service.name}")
            found |= {f"{service.name}.{method.name}": method for method in descriptor.methods}
    return found


def method(name: str) -> MethodDescriptor:
    """Return the RPC that `Service.Method`, `Method` or a full name means. Raises Unknown."""
    short = name.replace("/", ".").split(".")[-2:]
    matching = [key for key in methods() if key.lower().endswith(".".join(short).lower())]
    exact = [key for key in matching if key.lower() == ".".join(short).lower()] or matching
    if len(exact) == 1:
        return methods()[exact[0]]
    near = exact or difflib.get_close_matches(name, list(methods()), n=3, cutoff=0.4)
    raise Unknown(f"there is no RPC {name}; did you mean {' or '.join(near) or 'one of `trellis methods`'}?")


def message(name: str) -> Descriptor:
    """Return the message that a full or short name means. Raises Unknown."""
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTOR.read_bytes())
    names = [f"{file.package}.{m.name}" for file in files.file for m in file.message_type]
    found = [full for full in names if full == name or full.rpartition(".")[2] == name]
    if not found:
        near = difflib.get_close_matches(name, [full.rpartition(".")[2] for full in names], n=3, cutoff=0.4)
        raise Unknown(f"there is no message {name}; did you mean {' or '.join(near) or 'another'}?")
    return pool().FindMessageTypeByName(found[0])
