"""The files under deploy/ keep their promises: hardened, consistent with one another and with the package."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from trunkline.server.config import load_config

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "trunkline.service"

HARDENING = {
    "NoNewPrivileges": "true",
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "ProtectKernelTunables": "true",
    "ProtectKernelModules": "true",
    "ProtectControlGroups": "true",
    "RestrictNamespaces": "true",
    "RestrictSUIDSGID": "true",
    "LockPersonality": "true",
    "MemoryDenyWriteExecute": "true",
    "SystemCallArchitectures": "native",
    "CapabilityBoundingSet": "",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
}


@pytest.fixture
def unit() -> configparser.RawConfigParser:
    # A unit may repeat a key (SystemCallFilter does); the last one is enough for what is asserted here.
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


@pytest.fixture
def compose_service() -> dict[str, Any]:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    service: dict[str, Any] = document["services"]["trunkline"]
    return service


@pytest.fixture
def dockerfile() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pairs = [line.strip().partition(" ") for line in lines]
    return [(instruction.upper(), " ".join(rest.split())) for instruction, _, rest in pairs]


@pytest.mark.parametrize(("directive", "value"), HARDENING.items())
def test_unit_is_hardened(unit: configparser.RawConfigParser, directive: str, value: str) -> None:
    assert unit["Service"][directive] == value


def test_unit_runs_unprivileged(unit: configparser.RawConfigParser) -> None:
    assert unit["Service"]["User"] not in ("", "root")


def test_unit_keeps_data_and_keys_where_it_may_write(unit: configparser.RawConfigParser) -> None:
    name, _, value = unit["Service"]["Environment"].partition("=")
    config = load_config(DEPLOY / "trunkline.toml", {name: value})
    state = Path("/var/lib") / unit["Service"]["StateDirectory"]
    assert config.directory.parent == state
    assert config.master_key_path.parent == state


def test_unit_allows_a_descriptor_per_connection(unit: configparser.RawConfigParser) -> None:
    assert int(unit["Service"]["LimitNOFILE"]) >= 65_536


def test_unit_gives_up_when_the_store_keeps_stopping(unit: configparser.RawConfigParser) -> None:
    assert unit["Service"]["Restart"] == "on-failure"
    window_s, burst, pause_s = (
        int(unit["Unit"]["StartLimitIntervalSec"]),
        int(unit["Unit"]["StartLimitBurst"]),
        int(unit["Service"]["RestartSec"]),
    )
    assert burst * pause_s < window_s, "the limit could never be reached"


def test_unit_checks_the_configuration_it_starts_with(unit: configparser.RawConfigParser) -> None:
    check, start = unit["Service"]["ExecStartPre"], unit["Service"]["ExecStart"]
    assert check.replace(" --check", "") == start


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit_and_finds_it_tight(tmp_path: Path) -> None:
    # The program is not installed in /opt here, so a program that exists everywhere stands in its place.
    copy = tmp_path / "trunkline.service"
    copy.write_text(re.sub(r"/opt/trunkline/bin/trunkline\b.*", "/bin/true", UNIT.read_text()))
    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout


def test_container_drops_every_right_it_does_not_need(compose_service: dict[str, Any]) -> None:
    assert compose_service["cap_drop"] == ["ALL"]
    assert compose_service["read_only"] is True
    assert "no-new-privileges:true" in compose_service["security_opt"]
    assert "privileged" not in compose_service


def test_container_port_is_not_open_to_the_world(compose_service: dict[str, Any]) -> None:
    assert compose_service["ports"]
    assert all(port.startswith("127.0.0.1:") for port in compose_service["ports"])


def test_container_volume_is_where_the_image_keeps_data_and_keys(
    compose_service: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    [volume] = [rest for instruction, rest in dockerfile if instruction == "VOLUME"]
    [environment] = [rest for instruction, rest in dockerfile if instruction == "ENV" and "TRUNKLINE_" in rest]
    config = load_config(None, dict(assignment.split("=", 1) for assignment in environment.split()))
    assert config.directory.parent == Path(volume)
    assert config.master_key_path.parent == Path(volume)
    assert f"data:{volume}" in compose_service["volumes"]
    assert compose_service["ports"] == [f"127.0.0.1:8080:{config.server.port}"]


def test_health_check_asks_the_port_the_image_listens_on(dockerfile: list[tuple[str, str]]) -> None:
    [check] = [rest for instruction, rest in dockerfile if instruction == "HEALTHCHECK"]
    assert "trunkline doctor --health http${TRUNKLINE_TLS__CERTIFICATE:+s}://127.0.0.1:" in check
    [variable] = re.findall(r"TRUNKLINE_SERVER__\w+", check)
    [environment] = [rest for instruction, rest in dockerfile if instruction == "ENV" and "TRUNKLINE_" in rest]
    assert re.search(rf"\b{variable}=8080\b", environment)


def test_sample_configuration_is_valid_and_believes_only_a_local_proxy() -> None:
    config = load_config(DEPLOY / "trunkline.toml", {})
    assert config.server.host == "127.0.0.1"
    assert set(config.server.trusted_proxies) == {"127.0.0.1", "::1"}


def test_compose_builds_the_dockerfile_beside_it(compose_service: dict[str, Any]) -> None:
    build = compose_service["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()


def test_image_copies_only_what_exists_and_is_sent_to_the_builder(dockerfile: list[tuple[str, str]]) -> None:
    sent = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for instruction, rest in dockerfile
        if instruction == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert copied
    assert sorted(copied) == sorted(sent)
    assert all((ROOT / source).exists() for source in copied)


def test_image_ends_unprivileged_and_is_built_in_two_stages(dockerfile: list[tuple[str, str]]) -> None:
    stages = [rest for instruction, rest in dockerfile if instruction == "FROM"]
    assert len(stages) == 2
    assert len({stage.split()[0] for stage in stages}) == 1, "compiled wheels must meet the Python they were built for"
    [user] = [rest for instruction, rest in dockerfile if instruction == "USER"]
    uid = int(user.split(":")[0])
    assert uid >= 10_000
    last_from = max(index for index, (instruction, _) in enumerate(dockerfile) if instruction == "FROM")
    assert [instruction for instruction, _ in dockerfile[last_from:]].count("HEALTHCHECK") == 1


def test_container_and_unit_leave_time_to_drain(
    compose_service: dict[str, Any], unit: configparser.RawConfigParser
) -> None:
    drain_s = load_config(DEPLOY / "trunkline.toml", {}).server.drain_s
    assert float(compose_service["stop_grace_period"].removesuffix("s")) > 2 * drain_s
    assert float(unit["Service"]["TimeoutStopSec"]) > 2 * drain_s


def test_proxy_example_passes_the_upgrade_and_never_repeats_a_request() -> None:
    text = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text())
    assert text.count("{") == text.count("}")
    directives = {" ".join(directive.split()) for directive in re.split(r"[;{}]", text)}
    for needed in (
        "proxy_http_version 1.1",
        "proxy_set_header Upgrade $http_upgrade",
        "proxy_set_header Connection $trunkline_connection",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for",
        "proxy_set_header X-Forwarded-Proto $scheme",
        "proxy_next_upstream off",
        "location = /v1/link",
    ):
        assert needed in directives
