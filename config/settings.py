"""Settings of all processes. Everything comes from environment variables; their defaults suit a developer's machine.

For a server on the internet: GROVE_PUBLIC=1 and GROVE_HOSTS; `manage.py check --deploy` is then without a warning.
Limits are in `teams.limits`.
"""

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.databases import postgres
from config.secret import kept_secret
from config.social import social
from teams.limits import Limits

BASE_DIR = Path(__file__).resolve().parent.parent


def switched(name: str) -> bool:
    """Whether a switch is on; raises ImproperlyConfigured for what is neither yes nor no."""
    text = os.environ.get(name, "").lower()
    if text not in ("", "0", "1", "no", "yes", "false", "true"):
        raise ImproperlyConfigured(f"{name}={text!r}: write 1 or 0.")
    return text in ("1", "yes", "true")


def listed(name: str) -> list[str]:
    """Give the parts of a comma-separated variable."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


# Where things are kept. VAR_DIR is git-ignored and holds what an installation makes for itself.
VAR_DIR = Path(os.environ.get("GROVE_VAR", BASE_DIR / "var"))
DATABASE_URL = os.environ.get("DATABASE_URL", "postgres:///grove")
VALKEY_URL = os.environ.get("VALKEY_URL", "redis://127.0.0.1:6379/0")
SECRET_KEY = os.environ.get("GROVE_SECRET_KEY") or kept_secret(VAR_DIR / "secrets" / "secret_key")
SECRET_KEY_FALLBACKS = listed("GROVE_OLD_SECRET_KEYS")  # so that a new key signs nobody out
GROVE = Limits.from_environment(os.environ)
NETWORK_ALLOW = listed(
    "GROVE_NETWORK_ALLOW"
)  # what teams' code may reach beside the public internet: `objects.network`
NETWORK_DENY = listed("GROVE_NETWORK_DENY")
NETWORK_CA = os.environ.get(
    "GROVE_NETWORK_CA", ""
)  # a file of certificates that teams' code trusts beside the usual ones
OWN_PORTS = [int(each) for each in listed("GROVE_OWN_PORTS")]  # that Grove listens on: nobody's code reaches them
KIND_PACKAGES = ["browsers.commands", *listed("GROVE_KIND_PACKAGES")]  # packages or modules with kinds of your own
BROWSER_EXECUTABLE = os.environ.get("GROVE_BROWSER_EXECUTABLE", "")  # left out, it is looked for: `browsers.finding`
BROWSER_SCRIPTS = switched("GROVE_BROWSER_SCRIPTS")  # whether operators may run Playwright scripts: `browsers.running`

# Public or local.
DEBUG = switched("GROVE_DEBUG")
PUBLIC = switched("GROVE_PUBLIC")
VIRTUAL_CLOCK = switched("GROVE_VIRTUAL_CLOCK")  # for tests: see teams.clock
ALLOWED_HOSTS = listed("GROVE_HOSTS")
CSRF_TRUSTED_ORIGINS = listed("GROVE_ORIGINS")  # only where a proxy changes the Host header
if PUBLIC:
    if DEBUG:
        raise ImproperlyConfigured("GROVE_DEBUG=1 shows settings to strangers: not together with GROVE_PUBLIC=1.")
    if VIRTUAL_CLOCK:
        raise ImproperlyConfigured("GROVE_VIRTUAL_CLOCK=1 is for tests: not together with GROVE_PUBLIC=1.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("GROVE_PUBLIC=1 needs the names of this site: GROVE_HOSTS=grove.example.com,…")
    CSRF_TRUSTED_ORIGINS = CSRF_TRUSTED_ORIGINS or [
        f"https://{host.replace('.', '*.', 1) if host[0] == '.' else host}" for host in ALLOWED_HOSTS
    ]
else:
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]

SECURE_SSL_REDIRECT = PUBLIC
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # load balancers ask in plain HTTP
SECURE_HSTS_SECONDS = int(os.environ.get("GROVE_HSTS_SECONDS", "31536000")) if PUBLIC else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PUBLIC
SECURE_HSTS_PRELOAD = PUBLIC
if switched("GROVE_BEHIND_PROXY"):  # only where a proxy always sets these headers: otherwise a caller could forge them
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("GROVE_PROXIES", "1")) if switched("GROVE_BEHIND_PROXY") else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Browsers keep a __Host- cookie only if it is Secure and for this host alone: a neighbour subdomain cannot plant one.
SESSION_COOKIE_NAME = "__Host-session" if PUBLIC else "grove_session"
CSRF_COOKIE_NAME = "__Host-csrf" if PUBLIC else "grove_csrf"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
# In Postgres alone: a small query a page, and pages are there while Valkey is away.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "frame-src": [SELF],  # a PDF among the files, whose own answer says what may frame it; pages may not be framed
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"

SOCIAL = social(os.environ)
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += SOCIAL.origins  # a sent form is redirected there

# Apps. Public ones have their tables once; a team's are in the team's schema and exist only inside of it.
TEAM_APPS = ["objects", "terminal"]
PUBLIC_APPS = [
    "config.apps.GroveConfig",
    "teams",  # before django_pgschemas: its `migrate` is the one that counts
    "django_pgschemas",
    "config.apps.GroveAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    *SOCIAL.apps,
    "csp",
    "channels",
    "django_htmx",
    "django_celery_beat",
    "objects.timing",
    "browsers",
    "django_prometheus",
]
INSTALLED_APPS = PUBLIC_APPS + TEAM_APPS
TENANTS = {
    "public": {"APPS": PUBLIC_APPS},
    "default": {"TENANT_MODEL": "teams.Team", "APPS": TEAM_APPS, "URLCONF": "config.urls"},
}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "teams.middleware.compressed_pages",
    "csp.middleware.CSPMiddleware",
    "teams.middleware.permissions_policy",
    "teams.middleware.without_valkey",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "objects.surfaces.pages.sides.side",
            ]
        },
    }
]

# Postgres and Valkey.
DATABASES = {"default": postgres(DATABASE_URL)}
DATABASE_ROUTERS = ["django_pgschemas.routers.TenantAppsRouter"]
# PGSCHEMAS_LIMIT_SET_CALLS stays off: it would save a statement a query, but a rolled-back savepoint also rolls
# `SET search_path` back without django-pgschemas (1.1.1) noticing, and the next query would run in another schema.
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VALKEY_URL,
        "KEY_PREFIX": "grove",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},  # seconds
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [VALKEY_URL], "prefix": "grove", "capacity": GROVE.SUBSCRIBER_QUEUE},
    }
}
CELERY_BROKER_URL = VALKEY_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "grove:",
    # Seconds until a task that a killed worker held is given to another; a task that takes longer is given out twice.
    # kombu would look for tasks of the dead every hundred seconds. A worker that died while it looked holds the mutex.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 30,
    "visibility_timeout": int(os.environ.get("GROVE_TASK_REDELIVERY_S", "600")),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True  # what a task did is in Postgres
CELERY_TASK_ACKS_LATE = True  # a worker that dies gives its tasks back; every task may therefore run twice
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Sign-in.
AUTH_USER_MODEL = "teams.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "teams.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "teams.signin.SignupForm",
    "login": "teams.signin.LoginForm",
    "request_login_code": "teams.signin.CodeForm",
    "reset_password": "teams.signin.ResetForm",
    "add_email": "teams.signin.AddressForm",
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
# People prove that an address is theirs. For accounts that an operator makes, the operator has vouched.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60  # seconds: letters can be slow
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True  # one address a person; a new one counts once it is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a letter tells when a password, an address or a second factor was changed
ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {"add_webauthn": "teams.signin.PasskeyForm", "signup_webauthn": "teams.signin.FirstPasskeyForm"}
MFA_PASSKEY_LOGIN_ENABLED = MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_TOTP_ISSUER = "Grove"
MFA_TOTP_TOLERANCE = 1  # codes before and after this one: phones' clocks differ
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PUBLIC  # http://localhost
SOCIALACCOUNT_PROVIDERS = SOCIAL.providers
SOCIALACCOUNT_ADAPTER = "teams.signin.SocialAdapter"
SIGNUP_OPEN = switched("GROVE_SIGNUP")  # whether strangers may make an account
ENTER_KEY = os.environ.get("GROVE_ENTER_KEY", "")  # /enter/<key>/ signs in as DEMO_OWNER; without a key there is none
DEMO_OWNER = os.environ.get("GROVE_DEMO_OWNER", "ann@example.com")
SSH_PORT = int(
    os.environ.get("GROVE_SSH_PORT") or 0
)  # where terminals are served over SSH, for pages to say; 0: nowhere
METRICS_TOKEN = os.environ.get("GROVE_METRICS_TOKEN", "")  # bearer token for /metrics; without it, staff only

# E-mail: to the log, unless a server or a folder is named.
EMAIL_HOST = os.environ.get("GROVE_EMAIL_HOST", "")
EMAIL_FILE_PATH = os.environ.get("GROVE_EMAIL_FOLDER", "")
EMAIL_BACKEND = (
    f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased' if EMAIL_FILE_PATH else 'console'}.EmailBackend"
)
EMAIL_PORT = int(os.environ.get("GROVE_EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("GROVE_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("GROVE_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_PORT == 587
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("GROVE_EMAIL_FROM", "grove@localhost")

# Static files: served by WhiteNoise from where they are; `static/built` is what the front-end build makes.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = GROVE.ARGUMENT_BYTES

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("GROVE_LOG_LEVEL", "INFO").upper()},
    "loggers": {
        # Django's own handlers would write each record twice.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # Scanners ask every address on the internet for every host; the access log has their 400.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}
