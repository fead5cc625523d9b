"""What the environment says: read once, refused all at once when something is missing."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

REQUIRED = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "ALLOWED_HOSTS")


def value(name: str, default: str | None = None) -> str | None:
    """Return ``NAME``, or the contents of the file that ``NAME_FILE`` names, or ``default``."""
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text().strip() if path else default


def required() -> dict[str, str]:
    """
    Return the settings no installation can do without.

    :raises ImproperlyConfigured: naming every missing one, not the first only.
    """
    found = {name: value(name) or "" for name in REQUIRED}
    missing = [name for name, text in found.items() if not text]
    if missing:
        raise ImproperlyConfigured(
            f"Missing in the environment: {', '.join(missing)}. Set each one (or NAME_FILE with "
            "the path of a file that holds it), or start Cairn with ./run, which makes its own "
            "for the embedded services."
        )
    if len(found["SECRET_KEY"]) < 50:
        raise ImproperlyConfigured(
            "SECRET_KEY is shorter than 50 characters. Make one with: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
        )
    return found


def flag(name: str) -> bool:
    """Test if ``NAME`` is switched on (1, true, yes, on)."""
    return (value(name) or "").lower() in {"1", "true", "yes", "on"}


def database(url: str) -> dict[str, object]:
    """
    Return Django's settings for the PostgreSQL at ``url``.

    ``url`` is any libpq connection URI; a Unix socket goes in ``?host=/directory``.
    """
    parts = dict(conninfo_to_dict(url))
    options = {
        key: text
        for key, text in parts.items()
        if key not in {"host", "port", "dbname", "user", "password"}
    }
    # A server whose client was killed in the middle of a statement must not go on holding locks.
    checks = "-c client_connection_check_interval=5s"
    options["options"] = f"{options.get('options', '')} {checks}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", ""),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
