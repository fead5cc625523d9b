"""Django settings, all of them from the environment. See docs/operating.md for each variable."""

import sys
from pathlib import Path

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent

_required = environment.required()

SECRET_KEY = _required["SECRET_KEY"]
ALLOWED_HOSTS = [host.strip() for host in _required["ALLOWED_HOSTS"].split(",") if host.strip()]
DEBUG = environment.flag("CAIRN_DEBUG")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "students",
    "competencies",
    "assessments",
    "mastery",
    "config.apps.CairnConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "students.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Two roles: the owner migrates, everything else connects as a plain role that cannot
# rewrite what is append-only. The commands that change the schema are the owner's; the tests
# set CAIRN_AS_OWNER, because they make their own database.
OWNER_COMMANDS = {"migrate", "makemigrations", "showmigrations", "flush"}
_is_owner = environment.flag("CAIRN_AS_OWNER") or OWNER_COMMANDS.intersection(sys.argv[1:2])
DATABASES = {
    "default": environment.database(
        (environment.value("DATABASE_OWNER_URL") if _is_owner else None)
        or _required["DATABASE_URL"]
    )
}
# The role that the application connects as; the owner grants to it after each migration.
APPLICATION_ROLE = str(environment.database(_required["DATABASE_URL"])["USER"])

CELERY_BROKER_URL = _required["CELERY_BROKER_URL"]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = environment.value("STATIC_ROOT", str(BASE_DIR / "build" / "static"))

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]

SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
_https = not environment.flag("CAIRN_INSECURE_COOKIES")
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": environment.value("LOG_LEVEL", "WARNING")},
}
