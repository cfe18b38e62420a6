"""docker/ keeps in step with what it runs: commands, settings, ports, files, and what a container is refused."""

import json
import re
import subprocess
import sys

import yaml

from browsers.finding import NAMES
from config.up.environment import ROOT
from config.up.grove import SSH_PORT
from config.up.ports import free_port
from tests.surfaces.conftest import start

DOCKER = ROOT / "docker"
JOINED = re.sub(r"\\\n\s*", "", (DOCKER / "Dockerfile").read_text())
COMPOSED = [yaml.safe_load((DOCKER / name).read_text()) for name in ("compose.yaml", "compose.servers.yaml")]
SANDBOX = {"clone", "clone3", "unshare", "setns", "chroot"}  # what Chromium's is made with


def instructions(word: str) -> list[str]:
    """Give what stands behind a word of the Dockerfile, lines that go on joined."""
    return [line.removeprefix(f"{word} ") for line in JOINED.splitlines() if line.startswith(f"{word} ")]


def test_what_the_image_is_made_of_is_there_and_is_not_ignored():
    copied = [line.split()[0] for line in instructions("COPY") if not line.startswith("--from")]
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().split()

    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {
        "browsers",
        "config",
        "docker",
        "objects",
        "requirements",
        "static",
        "teams",
        "templates",
        "terminal",
    }.isdisjoint(ignored)
    assert {".venv", "var", "node_modules"} <= set(ignored)  # what is this machine's own


def test_the_commands_that_the_image_runs_are_there():
    made = [word for line in instructions("RUN") for word in re.findall(r"manage\.py (\w+)", line)]
    (command,) = (json.loads(line) for line in instructions("CMD"))
    told = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), command[2], "--help"], capture_output=True, text=True, check=True
    )

    assert made == ["install", "assets"]
    assert command[:3] == ["python", "manage.py", "up"]
    assert [word for word in command if word.startswith("--") and word not in told.stdout] == []


def test_it_runs_as_a_user_with_a_browser_that_is_looked_for():
    (user,) = instructions("USER")
    packages = instructions("RUN")[-1].split()

    assert user not in ("0", "root")
    assert set(packages) & set(NAMES)
    assert COMPOSED[0]["services"]["grove"]["cap_drop"] == ["ALL"]


def test_ports_are_those_that_up_listens_on():
    exposed = instructions("EXPOSE")[0].split()
    given = [each.rpartition(":")[2] for each in COMPOSED[0]["services"]["grove"]["ports"]]

    assert exposed == given == ["8000", str(SSH_PORT)]
    assert all(each.startswith("127.0.0.1:") for each in COMPOSED[0]["services"]["grove"]["ports"])


def test_settings_that_are_given_are_known():
    given = {name for each in COMPOSED for name in each["services"]["grove"]["environment"]}
    given |= set(re.findall(r"(GROVE_\w+)=", JOINED))
    read = (ROOT / "config" / "settings.py").read_text()

    assert [name for name in sorted(given) if f'"{name}"' not in read] == []
    assert given >= {"DATABASE_URL", "VALKEY_URL", "GROVE_VAR"}


def test_the_kernel_is_asked_for_a_sandbox_and_for_nothing_that_reaches_the_machine():
    (named,) = (each for each in COMPOSED[0]["services"]["grove"]["security_opt"] if each.startswith("seccomp:"))
    profile = json.loads((DOCKER / named.partition(":")[2]).read_text())
    refused = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ERRNO" for name in rule["names"]}

    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    assert refused.isdisjoint(SANDBOX)
    assert refused >= {"mount", "init_module", "kexec_load", "ptrace", "bpf", "reboot", "settimeofday", "keyctl"}


def test_passwords_come_from_whoever_runs_it():
    text = "".join(path.read_text() for path in DOCKER.glob("*compose*"))

    assert re.findall(r"(?i)(?:password|auth)\w*: (?!\$\{)(.*)", text) == []
    assert re.findall(r"://grove:(.*)@|redis://:(.*)@", text) == [
        ("${POSTGRES_PASSWORD:?choose one, in docker/.env}", ""), ("", "${VALKEY_PASSWORD:?choose one, in docker/.env}")
    ]  # fmt: skip


def test_the_health_check_tells_a_grove_that_answers_from_none(tmp_path):
    process, web = start(tmp_path / "log")
    try:
        port = web.url.rpartition(":")[2]
        asked = [sys.executable, str(DOCKER / "healthy.py")]
        answered = subprocess.run([*asked, port], capture_output=True, text=True, check=False)
        nobody = subprocess.run(
            [*asked, str(free_port("127.0.0.1", near=40_000))], capture_output=True, text=True, check=False
        )
    finally:
        process.terminate()
        process.wait(60)

    assert (answered.returncode, answered.stderr) == (0, "")
    assert (nobody.returncode, "refused" in nobody.stderr) == (1, True)
