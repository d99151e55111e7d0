"""`dialler web` as operators start it: a process of its own, with or without a daemon."""

import ctypes
import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from dialler.api.probe import answers
from dialler.cli.root import run
from dialler.errors import SettingsError
from dialler.settings import load_settings
from tests.support.daemon import installation
from tests.support.web import Web, started

SETTINGS = '[web]\nlisten = "127.0.0.1:0"\n'
SECRETS = """
[[asterisk]]
name = "main"
secret_file = "/nowhere/ami.secret"
[[asterisk.trunks]]
name = "carrier"
dial = "PJSIP/{number}@carrier"
calls_per_second = 5
channels = 60
"""


def settings(folder: Path, text: str) -> Path:
    path = folder / "dialler.toml"
    path.write_text(text, encoding="utf-8")
    return path


def figures(web: Web) -> dict[str, object]:
    answer = httpx.get(f"{web.url}/board.json", trust_env=False, timeout=20)
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


def test_it_starts_without_a_daemon_records_or_secrets_tells_systemd_and_ends_when_asked(tmp_path: Path) -> None:
    with started(settings(tmp_path, SETTINGS + SECRETS), watchdog_s=2) as web:
        link = figures(web)["link"]
        assert isinstance(link, dict)
        assert link["state"] == "away"
        assert "/run/dialler/dialler.sock" in link["said"]
        web.await_word("WATCHDOG=1")
        web.await_word("WATCHDOG=1")
        assert web.stop() == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "dialler.toml"]


def test_a_port_that_is_taken_is_told_or_replaced_where_that_is_allowed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = settings(tmp_path, f'[web]\nlisten = "127.0.0.1:{port}"\n')
        done = Web(path).run_to_the_end()
        assert done.returncode == 1
        assert done.stderr == f"dialler: web.listen = 127.0.0.1:{port}: Address already in use\n"
        path = settings(tmp_path, f'[web]\nlisten = "127.0.0.1:{port}"\nport_fallback = true\n')
        with started(path) as web:
            assert web.url != f"http://127.0.0.1:{port}"
            assert figures(web)["campaigns"] == []


def test_what_is_said_on_the_command_line_comes_first_and_is_for_this_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(tmp_path, '[web]\nlisten = "127.0.0.1:1"\n')
    with started(path, "--listen", "localhost:0") as web:
        assert figures(web)["campaigns"] == []
    assert run(["web", "-c", str(path), "--listen", "0.0.0.0:8080"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("dialler: --listen 0.0.0.0:8080: expected an address of this machine's own")
    assert run(["web", "-c", str(settings(tmp_path, '[web]\nlisten = "0.0.0.0:8080"\n'))]) == 2
    assert "web.listen = '0.0.0.0:8080': expected an address of this machine's own" in capsys.readouterr().err


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    web = Web(settings(tmp_path, SETTINGS))
    process = subprocess.Popen(
        web.command("--with-stdin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline().startswith("board http://127.0.0.1:")
        process.stdin.write("what is said there means nothing\n")
        process.stdin.flush()
        process.stdin.close()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.slow
def test_the_daemon_goes_and_comes_and_the_board_outlives_it() -> None:
    with installation('[telephony]\nkind = "simulated"\n' + SETTINGS) as installed, started(installed.file) as web:
        for _ in range(2):
            with installed.daemon():
                found = web.until("here")
                assert found["trunks"]
            found = web.until("away")
            assert found["trunks"]
        assert web.stop() == 0
        log = [json.loads(line)["event"] for line in web.log().splitlines()]
        assert (
            log == ["ready", "the daemon is away", *["the daemon is back", "the daemon is away"] * 2][: len(log)] or log
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.slow
@pytest.mark.parametrize(("groups", "can"), [([64123], True), ([], False)])
def test_its_unit_reaches_settings_and_daemon_by_the_group_alone(groups: list[int], can: bool) -> None:
    with installation('[telephony]\nkind = "simulated"\n') as installed, installed.daemon():
        sock = f"{installed.records}.sock"
        assert stat.S_IMODE(os.stat(sock).st_mode) == 0o660  # the daemon's own doing
        for path, mode in ((installed.folder, 0o750), (installed.file, 0o640), (sock, None)):
            os.chown(path, 0, 64123)
            if mode is not None:
                os.chmod(path, mode)
        child = os.fork()
        if child == 0:
            # As systemd does it: a dynamic user with this group beside its own, in a user namespace (PrivateUsers=).
            os.setgroups(groups)
            os.setgid(64321)
            os.setuid(64321)
            assert ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0
            try:
                load_settings(installed.file, for_web=True)
                os._exit(0 if answers(Path(sock)) else 1)
            except (SettingsError, PermissionError):
                os._exit(2)
            finally:
                os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if can else 2)


CLONE_NEWUSER = 0x10000000  # sched.h
