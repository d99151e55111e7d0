"""A good installation, and bad ones: each is found out, and told what to do."""

import fcntl
import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

import pytest

from dialler.app import doctor as app_doctor
from dialler.cli.root import run
from dialler.doctor.finding import Verdict
from tests.support.installations import SIMULATED, Installation, failures, of, only
from tests.support.web import started

Spoil = Callable[[Installation], None]
SHIPPED_UNIT = Path(__file__).parents[2] / "systemd" / "dialler.service"


def test_a_good_installation_has_no_failure_and_exit_code_0(installation: Installation) -> None:
    report = installation.examine()
    assert failures(report) == set()
    assert report.exit_code == 0
    for check in ("settings", "settings.secrets", "python", "records.reach", "records.schema", "records.durability"):
        only(report, check, Verdict.OK)
    assert "mode WAL" in only(report, "records.durability", Verdict.OK).found
    assert only(report, "records.writer", Verdict.OK).found.startswith("nobody writes")
    only(report, "records.access", Verdict.OK)
    only(report, "api.socket", Verdict.OK)


def test_an_examination_leaves_no_trace_in_the_folder(installation: Installation) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in installation.folder.iterdir()}
    installation.examine()
    assert {path.name: path.stat().st_mtime_ns for path in installation.folder.iterdir()} == before


def test_without_settings_it_says_where_they_may_be_and_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALLER_CONFIG", raising=False)
    report = app_doctor.doctor(None)
    assert report.exit_code == 2 and not report.readable
    assert "-c FILE" in only(report, "settings", Verdict.FAIL).advice


def test_settings_that_can_not_be_read_list_all_mistakes_and_end_with_2(installation: Installation) -> None:
    installation.set(SIMULATED + "[engine]\nhopper_level = 0\n[log]\nlevel = 7\n")
    report = installation.examine()
    assert report.exit_code == 2
    assert {each.found.split(": ")[1].split(" = ")[0] for each in of(report, "settings")} == {
        "engine.hopper_level",
        "log.level",
    }
    assert not of(report, "records.reach")


def test_mistakes_of_the_simulated_plan_are_told_with_the_others(installation: Installation) -> None:
    installation.set(SIMULATED + 'answer_rate = 7\nspeed = 1\n[api]\ntcp = "127.0.0.1:0"\n')
    report = installation.examine()
    told = "\n".join(each.found for each in of(report, "settings"))
    assert "simulated.answer_rate = 7" in told and "simulated.speed" in told and "api.tokens" in told
    assert report.exit_code == 1, "the rest was examined"
    only(report, "records.schema", Verdict.OK)


def no_records(installation: Installation) -> None:
    installation.database.unlink()


def no_folder(installation: Installation) -> None:
    installation.set('[store]\nurl = "sqlite:///nowhere/records.db"\n[simulated]\n')


def no_schema(installation: Installation) -> None:
    installation.database.unlink()
    sqlite3.connect(installation.database).close()
    installation.database.touch(mode=0o660)


def newer_schema(installation: Installation) -> None:
    with closing(sqlite3.connect(installation.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def older_schema(installation: Installation) -> None:
    with closing(sqlite3.connect(installation.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")


def not_a_database(installation: Installation) -> None:
    installation.database.write_bytes(b"leads, leads and leads" * 100)


def socket_is_a_file(installation: Installation) -> None:
    installation.database.with_name("records.db.sock").touch()


def socket_too_long(installation: Installation) -> None:
    installation.set(f'{SIMULATED}[api]\nsocket = "{"s" * 120}"\n')


def unit_without_user(installation: Installation) -> None:
    unit = SHIPPED_UNIT.read_text().replace("User=dialler", "User=nobody-of-this-name")
    installation.set_unit(unit.replace("/opt/dialler/bin/dialler", "/bin/true"))


@pytest.mark.parametrize(
    ("spoil", "check", "found", "advice"),
    [
        (no_records, "records.reach", "there are no records", "dialler db upgrade"),
        (no_folder, "records.reach", "there is no folder", "install -d"),
        (no_schema, "records.schema", "no schema yet", "dialler db upgrade"),
        (older_schema, "records.schema", "0000", "dialler db upgrade"),
        (newer_schema, "records.schema", "9999", "newer version"),
        (not_a_database, "records.reach", "not a database", "restore it"),
        (socket_is_a_file, "api.socket", "is no socket", "another [api] socket"),
        (socket_too_long, "settings", "api.socket", "at most 107 bytes"),
        (unit_without_user, "systemd", "no user nobody-of-this-name", "useradd"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_bad_installation_fails_with_the_right_advice(
    installation: Installation, spoil: Spoil, check: str, found: str, advice: str
) -> None:
    spoil(installation)
    report = installation.examine()
    assert report.exit_code == 1
    assert any(
        each.verdict is Verdict.FAIL and found in each.found and advice in each.advice for each in of(report, check)
    ), report.findings
    # A socket that can't be is told twice: as a mistake of the settings and as what became of it.
    assert failures(report) <= {check, *(["api.socket"] if spoil is socket_too_long else [])}


def test_a_disk_that_is_full_fails(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_doctor.disk, "room", lambda _: (5 << 20, 100 << 30))
    report = installation.examine()
    assert "make room" in only(report, "records.disk", Verdict.FAIL).advice
    assert report.exit_code == 1


def test_records_that_a_stuck_process_holds_are_named_with_it(installation: Installation) -> None:
    with installation.database.with_name("records.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\ndialler lead import\n")
        lock.flush()
        finding = only(installation.examine(), "records.writer", Verdict.WARN)
    assert "process 4711 (dialler lead import)" in finding.found and "no daemon answers" in finding.found


def test_looking_at_the_lock_does_not_take_it(installation: Installation) -> None:
    installation.examine()
    with installation.database.with_name("records.db.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_secret_that_everybody_may_read_is_warned_of(installation: Installation) -> None:
    installation.set(SIMULATED + '[[asterisk]]\nname = "main"\nsecret = "hush-hush"\n')
    installation.settings.chmod(0o644)
    report = installation.examine()
    finding = only(report, "settings.secrets", Verdict.WARN)
    assert "chmod o-r" in finding.advice
    assert not any("hush-hush" in f"{each.found}{each.advice}" for each in report.findings)


def test_a_metrics_port_that_is_taken_fails(installation: Installation) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        installation.set(f'{SIMULATED}[metrics]\nlisten = "127.0.0.1:{port}"\n')
        report = installation.examine()
    finding = only(report, "metrics", Verdict.FAIL)
    assert str(port) in finding.found and "another port" in finding.advice


def test_a_board_port_that_is_taken_is_warned_of_and_a_board_is_recognised(installation: Installation) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        installation.set(f'{SIMULATED}[web]\nlisten = "127.0.0.1:{port}"\n')
        finding = only(installation.examine(), "web", Verdict.WARN)
    assert "the board can't listen" in finding.found and "another port" in finding.advice
    with started(installation.settings) as web:
        installation.set(f'{SIMULATED}[web]\nlisten = "{web.url.removeprefix("http://")}"\n')
        assert "the board answers" in only(installation.examine(), "web", Verdict.OK).found


def test_an_api_port_that_is_taken_fails(installation: Installation) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        tokens = f'[[api.tokens]]\nname = "crm"\nsha256 = "{"0" * 64}"\n'
        installation.set(f'{SIMULATED}[api]\ntcp = "{address}"\n{tokens}')
        report = installation.examine()
    only(report, "api.tcp", Verdict.FAIL)


def test_somebody_who_listens_on_the_socket_and_says_nonsense_fails(installation: Installation) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(installation.folder / "records.db.sock"))
        listening.listen()

        def hang_up_on_everybody() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()

        rude = Thread(target=hang_up_on_everybody)
        rude.start()
        try:
            finding = only(installation.examine(), "api.socket", Verdict.FAIL)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            rude.join()
    assert "does not answer as a daemon does" in finding.found


def test_the_command_prints_the_same_as_json(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    installation.database.unlink()
    assert run(["doctor", "-c", str(installation.settings), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False and document["file"] == str(installation.settings)
    [reach] = [each for each in document["findings"] if each["check"] == "records.reach"]
    assert reach == {
        "check": "records.reach",
        "on": None,
        "verdict": "fail",
        "found": f"there are no records at {installation.database}",
        "advice": "run `dialler db upgrade`",
    }
    assert document["counts"]["fail"] == sum(each["verdict"] == "fail" for each in document["findings"])


def test_the_command_prints_each_finding_with_its_advice_below(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.database.unlink()
    assert run(["doctor", "-c", str(installation.settings)]) == 1
    lines = capsys.readouterr().out.splitlines()
    place = next(at for at, line in enumerate(lines) if line.startswith("fail  records.reach: "))
    assert lines[place + 1] == "      -> run `dialler db upgrade`"
    assert "1 failed" in lines[-1]
