"""The pages of the demo site: a nursery, with one page for each thing that is hard for a browser that is driven."""

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.template.loader import render_to_string

NAME: Final = "ann"
PASSWORD: Final = "orchard"  # noqa: S105 -- the page tells it to everybody
STATIC: Final = Path(__file__).parent / "static"
ROWS_A_PAGE: Final = 10
CARDS_A_TIME: Final = 12
CARDS: Final = 120
SLOWEST_S: Final = 30
MEGABYTES_MOST: Final = 512
YEAR_S: Final = 365 * 86_400

Response = TypeVar("Response", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Plant:
    """Something that is sold."""

    slug: str
    name: str
    height_cm: int
    price: str
    look: str  # the class of its picture


PLANTS: Final = tuple(
    Plant(name.lower().replace(" ", "-"), name, height, price, look)
    for name, height, price, look in (
        ("Basil", 30, "2.40", "leaf"), ("Bay laurel", 120, "18.00", "tree"), ("Chives", 25, "1.90", "blade"),
        ("Fig tree", 160, "39.50", "tree"), ("Lavender", 60, "4.20", "bloom"), ("Lemon tree", 140, "34.00", "fruit"),
        ("Marigold", 35, "2.10", "bloom"), ("Mint", 40, "2.20", "leaf"), ("Olive tree", 150, "48.50", "tree"),
        ("Parsley", 30, "1.80", "leaf"), ("Rosemary", 80, "3.10", "blade"), ("Thyme", 20, "2.80", "leaf"),
    )
)  # fmt: skip
COUNTRIES: Final = ("Italy", "Spain", "Greece", "Portugal", "France", "Croatia")


def _page(template: str, request: HttpRequest, status: int = 200, **shown: Any) -> HttpResponse:
    shown |= {"name": _kept(request, "name", ""), "pieces": sum(_cart(request).values()), "path": request.path}
    return HttpResponse(render_to_string(f"demo/{template}.html", shown), status=status)


def _kept(request: HttpRequest, key: str, otherwise: Any) -> Any:
    """Read a signed cookie."""
    try:
        return signing.loads(request.COOKIES.get(key, ""), salt=f"demo.{key}")
    except signing.BadSignature:
        return otherwise


def _keep(response: HttpResponse, key: str, value: Any) -> HttpResponse:
    response.set_cookie(key, signing.dumps(value, salt=f"demo.{key}"), max_age=YEAR_S, httponly=True, samesite="Lax")
    return response


def _cart(request: HttpRequest) -> dict[str, int]:
    cart: dict[str, int] = _kept(request, "cart", {})
    return cart


def _to(path: str) -> HttpResponse:
    return HttpResponseRedirect(path, status=303)


def _number(text: str | None, otherwise: int, most: int) -> int:
    return max(0, min(int(text), most)) if text and text.isascii() and text.isdigit() and len(text) < 6 else otherwise


def home(request: HttpRequest) -> HttpResponse:
    return _page("home", request)


def login(request: HttpRequest) -> HttpResponse:
    """Sign in; a wrong password says so, and what is missing is named."""
    if request.method != "POST":
        return _page("login", request, hint=(NAME, PASSWORD))
    name, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    if (name, password) == (NAME, PASSWORD):
        return _keep(_to("/account"), "name", name)
    wrong = "Wrong name or password." if name and password else f"Type your {'password' if name else 'name'} first."
    return _page("login", request, 422, typed=name, wrong=wrong, hint=(NAME, PASSWORD))


def account(request: HttpRequest) -> HttpResponse:
    return _page("account", request) if _kept(request, "name", "") else _to("/login")


def logout(_request: HttpRequest) -> HttpResponse:
    response = _to("/login")
    response.delete_cookie("name")
    return response


def shop(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip().lower()[:40]
    return _page("shop", request, plants=[each for each in PLANTS if words in each.name.lower()], q=words)


def cart(request: HttpRequest) -> HttpResponse:
    """Show the cart; a form adds a plant, or says how many there shall be."""
    inside = _cart(request)
    slug = request.POST.get("plant", "")
    if request.method == "POST" and any(each.slug == slug for each in PLANTS):
        pieces = _number(request.POST.get("pieces"), inside.get(slug, 0) + 1, 99)
        inside = {key: value for key, value in (inside | {slug: pieces}).items() if value}
        back = "/shop" if request.POST.get("back") == "/shop" else "/cart"
        return _keep(_to(back), "cart", inside)
    rows = [(each, inside[each.slug], f"{float(each.price) * inside[each.slug]:.2f}") for each in PLANTS
            if each.slug in inside]  # fmt: skip
    total = sum(float(row[2]) for row in rows)
    return _page("cart", request, rows=rows, total=f"{total:.2f}")


def order(request: HttpRequest) -> HttpResponse:
    """Take what is in the cart; that needs somebody who is signed in."""
    if request.method != "POST" or not _cart(request):
        return _to("/cart")
    if not _kept(request, "name", ""):
        return _to("/login")
    number = hashlib.sha256(json.dumps(_cart(request)).encode()).hexdigest()[:6].upper()
    response = _page("ordered", request, number=number)
    response.delete_cookie("cart")
    return response


def _rows() -> list[tuple[int, str, str, int, str]]:
    """Make up deliveries: the same ones each time."""
    return [
        (n, PLANTS[n * 7 % 12].name, COUNTRIES[n * 5 % 6], 10 + n * 37 % 190, f"2026-{1 + n % 12:02}-{1 + n % 28:02}")
        for n in range(1, 121)
    ]


def table(request: HttpRequest) -> HttpResponse:
    rows = _rows()
    pages = len(rows) // ROWS_A_PAGE
    page = max(1, _number(request.GET.get("page"), 1, pages))
    shown = rows[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    return _page("table", request, rows=shown, page=page, pages=range(1, pages + 1), last=pages,
                 before=page - 1, after=page + 1 if page < pages else 0)  # fmt: skip


def upload(request: HttpRequest) -> HttpResponse:
    """Tell what came: nothing of it is kept."""
    came = []
    for each in request.FILES.getlist("files"):
        total = hashlib.sha256()
        for chunk in each.chunks():
            total.update(chunk)
        came.append((each.name, each.size, total.hexdigest()))
    wrong = "Choose a file first." if request.method == "POST" and not came else ""
    return _page("upload", request, 422 if wrong else 200, came=came, wrong=wrong)


def scroll(request: HttpRequest) -> HttpResponse:
    """Show the first cards; static/demo.js asks for more when the end comes into sight."""
    after = _number(request.GET.get("after"), 0, CARDS)
    cards = [(number, PLANTS[number % 12]) for number in range(after + 1, min(after + CARDS_A_TIME, CARDS) + 1)]
    following = after + CARDS_A_TIME if after + CARDS_A_TIME < CARDS else 0
    if request.GET.get("part"):
        return HttpResponse(render_to_string("demo/_cards.html", {"cards": cards, "following": following}))
    return _page("scroll", request, cards=cards, following=following)


def frame(request: HttpRequest) -> HttpResponse:
    return _page("frame", request)


def inner(request: HttpRequest) -> HttpResponse:
    said = request.POST.get("message", "")[:200]
    return HttpResponse(render_to_string("demo/inner.html", {"said": said}))


def plain(template: str) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: _page(template, request)


def slow(request: HttpRequest) -> HttpResponse:
    return _page("slow", request, seconds=_number(request.GET.get("seconds"), 0, SLOWEST_S))


async def wait(request: HttpRequest) -> None:
    """Let the slow page be slow."""
    if request.path == "/slow":
        await asyncio.sleep(_number(request.GET.get("seconds"), 0, SLOWEST_S))


def plants_csv(_request: HttpRequest) -> HttpResponse:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["plant", "height_cm", "price"])
    lines.writerows([each.name, each.height_cm, each.price] for each in PLANTS)
    return _file(HttpResponse(text.getvalue(), content_type="text/csv"), "plants.csv")


def care_txt(_request: HttpRequest) -> HttpResponse:
    return _file(HttpResponse("Water the lemon tree twice a week.\n", content_type="text/plain"), "care.txt")


def large(request: HttpRequest) -> HttpResponseBase:
    """Give as many megabytes as are asked for, each of its own number."""
    megabytes = _number(request.GET.get("mb"), 100, MEGABYTES_MOST)

    def parts() -> Iterator[bytes]:
        for number in range(megabytes):
            yield f"{number:08}".encode() * (1 << 17)

    response = StreamingHttpResponse(parts(), content_type="application/octet-stream")
    response["Content-Length"] = str(megabytes << 20)
    return _file(response, f"{megabytes}-megabytes.bin")


def _file(response: Response, name: str) -> Response:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def static(request: HttpRequest, name: str) -> HttpResponse:
    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[name.rpartition(".")[2]]
    path = STATIC / name
    return HttpResponse(path.read_bytes(), content_type=kind) if path.is_file() else missing(request)


def missing(request: HttpRequest) -> HttpResponse:
    return _page("missing", request, 404)


PAGES: Final[tuple[tuple[str, Callable[..., HttpResponseBase]], ...]] = (
    ("/", home), ("/login", login), ("/account", account), ("/logout", logout),
    ("/shop", shop), ("/cart", cart), ("/order", order), ("/table", table), ("/upload", upload),
    ("/scroll", scroll), ("/frame", frame), ("/frame/inner", inner), ("/slow", slow),
    ("/dialogs", plain("dialogs")), ("/storage", plain("storage")), ("/paint", plain("paint")),
    ("/downloads", plain("downloads")), ("/downloads/plants.csv", plants_csv), ("/downloads/care.txt", care_txt),
    ("/downloads/large.bin", large), (r"/static/(?P<name>[a-z]+\.(?:css|js|svg))", static),
)  # fmt: skip
