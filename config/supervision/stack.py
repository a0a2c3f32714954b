"""The processes of a stack: databases, what prepares them, and what serves."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from config.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer
from config.supervision.health import answers_itself
from config.supervision.layout import StackConfig
from config.supervision.processes import ProcessSpec

DATABASE: Final = "frontdesk"
UVICORN_LOGGING: Final = Path(__file__).with_name("uvicorn_logging.json")
# Larger frames are refused by the socket itself; up to here the consumer answers with an error.
FRAME_LIMIT: Final = 256 * 1024
LAPSED: Final = "runs-lapsed"  # runs of a dead worker, which either kind of worker takes over


def embedded_servers(config: StackConfig, credentials: dict[str, str]) -> list[EmbeddedServer]:
    """Return the servers this stack brings along: those no URL was given for."""
    layout, ports = config.layout, config.ports
    servers: list[EmbeddedServer] = []
    if config.has_own_postgres:
        servers.append(postgres(config, credentials))
    if config.has_own_redis:
        folder = layout.var_dir / "redis"
        servers.append(EmbeddedRedis(folder, ports["REDIS_PORT"], credentials["redis"]))
    return servers


def postgres(config: StackConfig, credentials: dict[str, str]) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        config.layout.var_dir / "postgres",
        config.ports["POSTGRES_PORT"],
        credentials["postgres_superuser"],
    )


def server_spec(server: EmbeddedServer) -> ProcessSpec:
    return ProcessSpec(
        name=server.name,
        command=server.command(),
        stop_signal=server.stop_signal,
        run_as=server.run_as,
        folder=Path("/"),
        is_healthy=lambda _record: server.is_ready(),
        healthy_within=30.0,
    )


def environment_values(config: StackConfig, credentials: dict[str, str]) -> dict[str, str]:
    """Return what every process of the stack reads; what the caller set wins."""
    ports = config.ports
    defaults = {
        "FRONTDESK_ENV": "dev",
        "SECRET_KEY": credentials["secret_key"],
        "WEB_PORT": str(ports["WEB_PORT"]),
        "REALTIME_PORT": str(ports["REALTIME_PORT"]),
        "PUBLIC_BASE_URL": f"http://localhost:{ports['WEB_PORT']}",
        "REALTIME_URL": f"ws://{{host}}:{ports['REALTIME_PORT']}",
        "BASE_DOMAIN": "localhost",
    }
    if config.has_own_postgres:
        roles = {"": "app", "_OWNER": "owner", "_PLATFORM": "platform"}
        for suffix, role in roles.items():
            secret = credentials[f"postgres_{role}"]
            address = f"127.0.0.1:{ports['POSTGRES_PORT']}/{DATABASE}"
            url = f"postgresql://frontdesk_{role}:{secret}@{address}"
            defaults[f"DATABASE{suffix}_URL"] = url
    if config.has_own_redis:
        server = EmbeddedRedis(Path(), ports["REDIS_PORT"], credentials["redis"])
        defaults["REDIS_URL"] = server.url
    names = {*defaults, "DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_PLATFORM_URL", "REDIS_URL"}
    given = {name: config.values[name] for name in names if config.values.get(name)}
    return {**defaults, **given}


def manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _binary(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def service_specs(config: StackConfig) -> list[ProcessSpec]:
    """Return the kinds of process that serve.

    Two web processes listen on the same port: while one starts again, the other answers.
    """
    worker = partial(_worker, config)
    ask_web = answers_itself(config.loopback, config.ports["WEB_PORT"])
    ask_realtime = answers_itself(config.loopback, config.ports["REALTIME_PORT"])
    return [
        ProcessSpec("web", _web(config), is_healthy=ask_web),
        ProcessSpec("web-2", _web(config), is_healthy=ask_web),
        ProcessSpec("realtime", _realtime(config), is_healthy=ask_realtime),
        worker("runs", "--pool=threads", "--concurrency=8"),
        worker("runs-bulk", "--pool=threads", "--concurrency=4", niceness=10),
        worker("ingest", "--pool=prefork", "--concurrency=2", "--max-tasks-per-child=200"),
        ProcessSpec("relay", manage("relay")),
        ProcessSpec("beat", _celery("beat")),
    ]


def _web(config: StackConfig) -> list[str]:
    return [
        *[_binary("granian"), "--interface=wsgi", "--no-ws", "--http=1"],
        *[f"--host={config.host}", f"--port={config.ports['WEB_PORT']}"],
        *["--workers=1", "--blocking-threads=8", "--workers-kill-timeout=10"],
        *["--respawn-failed-workers", "config.wsgi:application"],
    ]


def _realtime(config: StackConfig) -> list[str]:
    return [
        *[_binary("uvicorn"), "config.asgi:application", "--lifespan=off", "--no-access-log"],
        *[f"--host={config.host}", f"--port={config.ports['REALTIME_PORT']}"],
        "--http=core.realtime.protocol:HttpProtocol",
        *["--ws=core.realtime.protocol:WebSocketProtocol", "--ws-per-message-deflate=false"],
        *["--ws-ping-interval=25", "--ws-ping-timeout=25", f"--ws-max-size={FRAME_LIMIT}"],
        *["--timeout-graceful-shutdown=5", f"--log-config={UVICORN_LOGGING}"],
    ]


def _celery(*arguments: str) -> list[str]:
    return [_binary("celery"), "--quiet", "-A", "config.celery", *arguments]


def _worker(config: StackConfig, queue: str, *options: str, niceness: int = 0) -> ProcessSpec:
    """Return a worker of one queue; a nice one gives way to the others on a busy machine."""
    name = f"worker-{queue}"
    queues = f"{queue},{LAPSED}" if queue.startswith("runs") else queue
    command = _celery("worker", "-Q", queues, f"--hostname={queue}@%h", "--loglevel=INFO", *options)
    nice = ["nice", "-n", str(niceness)] if niceness else []
    return ProcessSpec(name, [*nice, *command, "--without-gossip", "--without-mingle"])


def http_status(url: str, seconds: float = 3.0) -> int:
    """Return the status of a GET, or 0 when nobody answers."""
    return http_get(url, seconds)[0]


def http_get(url: str, seconds: float = 3.0) -> tuple[int, dict[str, object]]:
    """Return status and JSON body of a GET; (0, {}) when nobody answers."""
    try:
        with urlopen(url, timeout=seconds) as response:  # noqa: S310 - our own http address
            return response.status, _json(response.read())
    except URLError as error:
        status = getattr(error, "code", 0)
        return status, _json(error.read()) if status else {}  # type: ignore[attr-defined]
    except OSError:
        return 0, {}


def _json(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
