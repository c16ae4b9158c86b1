"""Start argilla-server on SQLite, in its own environment: ``python -P launcher.py HOME PORT``.

HOME holds the database, and ``credentials.json`` with the secrets that ``home`` generated. The process ends on SIGTERM,
SIGINT, or when its standard input closes, so that it never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

BUSY_SECONDS = 30  # how long a writer waits for another before SQLite gives up
HOST = "127.0.0.1"


def main() -> None:
    """Configure, migrate, seed, serve."""
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    credentials = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    configure(home, port, credentials)
    root = str(Path(__file__).absolute().parents[4])  # not resolved: in a clone `triplette/curate` is a link
    sys.path.append(root)  # last: where the product is installed, other libraries are too, and this environment's must win
    from triplette.curate.review.serve import patches

    if metadata.version("argilla-server") != patches.VERSION:
        sys.exit(f"argilla-server {metadata.version('argilla-server')} is installed, this launcher knows {patches.VERSION}")
    patches.imitate_redis()
    from triplette.curate.review.serve import conditions, engine, guard  # noqa: F401  the engine registers itself

    prepare_connections(conditions.install)
    sys.path.remove(root)
    patches.run_jobs_in_loop()
    patches.speed_up_uploads()
    migrate(home)
    asyncio.run(seed(credentials))
    serve(port, lambda app: guard.Guard(app, (HOST, "localhost")))


def configure(home: Path, port: int, credentials: dict[str, Any]) -> None:
    """Set what the server reads from the environment when it is imported."""
    os.environ.update(
        ARGILLA_HOME_PATH=str(home),
        ARGILLA_SEARCH_ENGINE="sqlite",
        ARGILLA_AUTH_SECRET_KEY=credentials["secret_key"],
        ARGILLA_DATABASE_SQLITE_TIMEOUT=str(BUSY_SECONDS),
        ARGILLA_CORS_ORIGINS=json.dumps([f"http://{HOST}:{port}", f"http://localhost:{port}"]),
        ARGILLA_SHOW_HUGGINGFACE_SPACE_PERSISTENT_STORAGE_WARNING="0",
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HUB_OFFLINE="1",
    )


def prepare_connections(install: Any) -> None:
    """Give every SQLite connection the engine's functions, and the durability that WAL was made for."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def prepare(connection: Any, _: Any) -> None:
        install(connection)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = NORMAL")  # under WAL a power cut may lose the last commits, never the database
        cursor.close()

    event.listen(Engine, "connect", prepare)


def migrate(home: Path) -> None:
    """Bring the database to the server's schema, in WAL mode so that readers never wait for a writer."""
    import alembic.command
    import alembic.config
    from argilla_server.database import ALEMBIC_CONFIG_FILE

    alembic.command.upgrade(alembic.config.Config(ALEMBIC_CONFIG_FILE), "head")
    database = home / "argilla.db"
    database.chmod(0o600)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


async def seed(credentials: dict[str, Any]) -> None:
    """Create the workspace and the accounts that are not there yet; an account that is there is left alone."""
    from argilla_server.contexts import accounts
    from argilla_server.database import AsyncSessionLocal, async_engine
    from argilla_server.models import User, UserRole, Workspace

    async with AsyncSessionLocal() as db:
        name = credentials["workspace"]
        workspace = await Workspace.get_by(db, name=name) or await Workspace.create(db, name=name)
        for username, account in credentials["accounts"].items():
            if await User.get_by(db, username=username) is not None:
                continue
            await User.create(
                db,
                first_name=username,
                username=username,
                role=UserRole(account["role"]),
                api_key=account["api_key"],
                password_hash=accounts.hash_password(account["password"]),
                # an owner sees every workspace; as a member the owner would be counted among the reviewers
                workspaces=[] if account["role"] == UserRole.owner else [workspace],
            )
    await async_engine.dispose()  # its connections belong to this event loop, the server brings its own


def serve(port: int, guarded: Any) -> None:
    """Serve what ``guarded`` makes of the server's application, until told to stop."""
    import uvicorn
    from argilla_server import app

    server = uvicorn.Server(uvicorn.Config(guarded(app), host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=5))

    def watch() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
