"""A protoc plugin that runs the gRPC generator linked into grpcio-tools.

buf knows `protoc_builtin: python`, but not grpcio-tools' `grpc_python`; this hands buf's request to it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from grpc_tools import protoc

Response = plugin_pb2.CodeGeneratorResponse


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    """Run `protoc --grpc_python_out` over the request's files."""
    response = Response(supported_features=Response.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as work:
        image, out = Path(work, "image.binpb"), Path(work, "out")
        out.mkdir()
        image.write_bytes(descriptor_pb2.FileDescriptorSet(file=request.proto_file).SerializeToString())
        wanted = set(request.file_to_generate)
        with_services = [file.name for file in request.proto_file if file.name in wanted and file.service]
        arguments = ["protoc", f"--descriptor_set_in={image}", f"--grpc_python_out={out}"]
        if with_services and (status := protoc.main([*arguments, *with_services])):
            response.error = f"grpc_tools.protoc ended with {status}"
        for path in sorted(out.rglob("*.py")):
            response.file.add(name=path.relative_to(out).as_posix(), content=path.read_text())
    return response


def main() -> None:
    """Serve one request from standard input, as protoc plugins do."""
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(generate(request).SerializeToString())


if __name__ == "__main__":
    main()
