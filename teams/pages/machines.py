"""What machines ask: load balancers and Prometheus."""

import hmac

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Tell a load balancer whether this process reaches Postgres and Valkey: 200, or 503 and which it does not."""
    parts = {"postgres": "ok", "valkey": "ok"}
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        parts["postgres"] = "unreachable"
    try:
        cache.get("healthz")
    except redis.RedisError:
        parts["valkey"] = "unreachable"
    return JsonResponse(parts, status=200 if set(parts.values()) == {"ok"} else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give this process's metrics to staff, and to a Prometheus that sends GROVE_METRICS_TOKEN."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    sent = request.headers.get("Authorization", "")
    has_token = bool(settings.METRICS_TOKEN) and hmac.compare_digest(sent.encode(), wanted.encode())
    if not has_token and not (request.user.is_authenticated and request.user.is_staff):
        raise Http404("There is no such page.")
    response: HttpResponse = ExportToDjangoView(request)
    return response
