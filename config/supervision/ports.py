"""See that the ports are free before anything starts, and say who holds one that is not."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Final

import psutil

from config.supervision.layout import StackConfig, StackError

PUBLIC_PORTS: Final = ("WEB_PORT", "REALTIME_PORT")


def ports_settle(config: StackConfig) -> StackConfig:
    """Return the configuration with free ports.

    Ports people type must be as configured, and a taken one is an error. The embedded servers'
    ports are nobody's business: unless chosen, a taken one gives way to a free one.
    """
    ports = dict(config.ports)
    taken: list[str] = []
    for name in _ports_used(config):
        host = config.host if name in PUBLIC_PORTS else "127.0.0.1"
        if port_is_free(host, ports[name]):
            continue
        if name in PUBLIC_PORTS or name in config.is_port_chosen:
            taken.append(name)
        else:
            ports[name] = _port_free()
    if taken:
        raise StackError("\n".join(_taken_text(name, ports[name]) for name in taken))
    return replace(config, ports=ports)


def _ports_used(config: StackConfig) -> list[str]:
    own = [("POSTGRES_PORT", config.has_own_postgres), ("REDIS_PORT", config.has_own_redis)]
    return [*PUBLIC_PORTS, *(name for name, is_used in own if is_used)]


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _port_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _taken_text(name: str, port: int) -> str:
    other = {"WEB_PORT": 8080, "REALTIME_PORT": 8081}.get(name, port + 1)
    return (
        f"Port {port} ({name}) is in use{_holder(port)}. "
        f"Stop that program, or choose another port: {name}={other} make up"
    )


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return ""
    return ""
