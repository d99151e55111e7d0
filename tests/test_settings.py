"""Settings: what stands in the file, what overrides it, and every mistake at once."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.errors import SettingsError
from dialler.settings import Settings, ami_secret, changed_keys, find_settings, for_run, host_and_port, load_settings

MINIMAL = '[store]\nurl = "sqlite:///calls.db"\n'
SERVER = """
[[asterisk]]
name = "main"
secret = "s3cret"
[[asterisk.trunks]]
name = "a"
dial = "PJSIP/{number}@trunk-a"
calls_per_second = 5
channels = 30
"""
SHA256 = "ab" * 32


def load(tmp_path: Path, text: str, *, for_run: bool = False, **environ: str) -> Settings:
    path = tmp_path / "dialler.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, for_run=for_run, environ=environ)


def mistakes(tmp_path: Path, text: str, *, for_run: bool = False, **environ: str) -> dict[str, str]:
    """Return what was expected, by the key that was wrong."""
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, text, for_run=for_run, **environ)
    return {mistake.key: mistake.expected for mistake in raised.value.mistakes}


def test_a_file_with_only_the_store_is_enough_and_the_rest_has_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    assert settings.engine.drain_timeout_s == 30
    assert settings.engine.hopper_level == 100
    assert settings.asterisk == ()
    assert settings.metrics is None
    assert settings.telephony.kind is None
    assert (settings.log.level, settings.log.format) == ("info", "json")


def test_a_relative_database_lies_beside_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    settings = load(tmp_path, MINIMAL)
    assert settings.store.url == f"sqlite:///{tmp_path}/calls.db"
    assert settings.store.database_file == tmp_path / "calls.db"
    assert settings.api.socket == tmp_path / "calls.db.sock"


def test_an_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    settings = load(tmp_path, '[store]\nurl = "sqlite:////var/lib/dialler/x.db"\n')
    assert settings.store.database_file == Path("/var/lib/dialler/x.db")
    assert settings.api.socket == Path("/var/lib/dialler/x.db.sock")


def test_postgresql_keeps_its_url_and_the_socket_lies_in_the_run_directory(tmp_path: Path) -> None:
    text = '[store]\nurl = "postgresql://me@localhost/calls"\n'
    settings = load(tmp_path, text)
    assert settings.store.url == "postgresql://me@localhost/calls"
    assert settings.store.database_file is None
    assert settings.api.socket == Path("/run/dialler/dialler.sock")
    assert load(tmp_path, text, RUNTIME_DIRECTORY="/run/d2:/run/x").api.socket == Path("/run/d2/dialler.sock")


def test_servers_and_trunks_are_read(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL + SERVER, for_run=True)
    assert settings.telephony.kind == "asterisk"
    (server,) = settings.asterisk
    assert (server.name, server.host, server.port, server.username) == ("main", "127.0.0.1", 5038, "dialler")
    assert (server.trunks[0].name, server.trunks[0].calls_per_second, server.trunks[0].channels) == ("a", 5, 30)
    assert ami_secret(server) == "s3cret"


def test_a_trunk_says_how_numbers_are_written_and_whose_country_that_is(tmp_path: Path) -> None:
    said = SERVER + 'caller_id = "national"\ncaller_id_name = "Clinic, 2nd floor"\n'
    (trunk,) = load(tmp_path, MINIMAL + said + 'region = "gb"\n').asterisk[0].trunks
    assert (trunk.caller_id, trunk.caller_id_name, trunk.region) == ("national", "Clinic, 2nd floor", "GB")
    assert mistakes(tmp_path, MINIMAL + said)["asterisk[main].trunks[a].region"] == (
        "the country of the trunk, two letters of ISO 3166, such as 'US' or 'GB': national and international numbers"
        " differ by it"
    )
    dialled = SERVER.replace("{number}", "{international}")
    assert mistakes(tmp_path, MINIMAL + dialled).keys() == {"asterisk[main].trunks[a].region"}
    for key, bad in (("caller_id", "e164"), ("caller_id_name", 'a "b"'), ("caller_id_name", "a\\n"), ("region", "XX")):
        found = mistakes(tmp_path, f"{MINIMAL}{SERVER}{key} = {json.dumps(bad)}\n")
        assert found.keys() == {f"asterisk[main].trunks[a].{key}"}


def test_a_simulated_network_is_handed_on_as_it_stands(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL + "[telephony]\nseed = 7\n[simulated]\nanswer_rate = 0.5\n", for_run=True)
    assert settings.telephony.kind == "simulated"
    assert settings.telephony.seed == 7
    assert settings.simulated == {"answer_rate": 0.5}


BROKEN = f"""
colour = "red"
[store]
url = "mysql://me:hunter2@host/calls"
urll = "x"
[engine]
drain_timeout_s = "soon"
hopper_level = 0
[[asterisk]]
name = "main"
port = 99999
sercet = "hunter3"
secret = "hunter4\\n"
[[asterisk.trunks]]
name = "a"
dial = "PJSIP/trunk-a"
calls_per_second = inf
[[asterisk]]
host = "two words"
[[asterisk.trunks]]
name = "a"
dial = "PJSIP/{{number}}@b"
calls_per_second = 1
channels = 1
[api]
tcp = "8088"
[[api.tokens]]
name = "crm"
sha256 = "{SHA256}00"
[metrics]
listen = "127.0.0.1:99999"
[log]
level = "loud"
parts = {{ "telephony.ami" = "quiet" }}
"""


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, BROKEN).keys() == {
        "colour",
        "store.url",
        "store.urll",
        "engine.drain_timeout_s",
        "engine.hopper_level",
        "asterisk[main].port",
        "asterisk[main].sercet",
        "asterisk[main].secret",
        "asterisk[main].trunks[a].dial",
        "asterisk[main].trunks[a].calls_per_second",
        "asterisk[main].trunks[a].channels",
        "asterisk[#2].name",
        "asterisk[#2].host",
        "asterisk[#2].trunks[a].name",
        "api.tcp",
        "api.tokens[crm].sha256",
        "metrics.listen",
        "log.level",
        "log.parts.telephony.ami",
    }


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "127.8.9.10:0", "[::1]:8080", "localhost:8080"])
def test_the_board_listens_on_addresses_of_this_machine_alone(tmp_path: Path, listen: str) -> None:
    assert load(tmp_path, MINIMAL + f'[web]\nlisten = "{listen}"\n').web.listen == listen


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "board.example:80", "127.0.0.1.example:1"]
)
def test_a_board_that_others_could_reach_is_a_mistake_that_says_what_to_do(tmp_path: Path, listen: str) -> None:
    expected = mistakes(tmp_path, MINIMAL + f'[web]\nlisten = "{listen}"\n')
    assert expected.keys() == {"web.listen"}
    assert "no sign-in" in expected["web.listen"]
    assert "proxy" in expected["web.listen"]


def test_the_board_needs_none_of_the_secrets_and_not_even_the_place_of_the_records(tmp_path: Path) -> None:
    server = SERVER.replace('secret = "s3cret"', 'secret_file = "/nowhere/ami.secret"')
    (tmp_path / "dialler.toml").write_text(server, encoding="utf-8")
    settings = load_settings(tmp_path / "dialler.toml", for_web=True, environ={})
    assert settings.api.socket == Path("/run/dialler/dialler.sock")
    (tmp_path / "dialler.toml").write_text(MINIMAL + server, encoding="utf-8")
    assert load_settings(tmp_path / "dialler.toml", for_web=True, environ={}).api.socket == tmp_path / "calls.db.sock"
    (tmp_path / "dialler.toml").write_text("store = 3\n", encoding="utf-8")
    with pytest.raises(SettingsError):
        load_settings(tmp_path / "dialler.toml", for_web=True, environ={})


def test_a_mistake_names_the_file_the_value_and_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, MINIMAL + "[engine]\nhopper_level = 0\n")
    assert str(raised.value) == (
        f"{tmp_path}/dialler.toml: engine.hopper_level = 0: expected a whole number of leads, 1 to 100000"
    )


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, BROKEN)
    shown = str(raised.value) + repr(raised.value.mistakes)
    assert not [secret for secret in ("hunter", SHA256) if secret in shown]
    settings = load(tmp_path, MINIMAL.replace("sqlite:///calls.db", "postgresql://me:hunter5@h/d") + SERVER)
    assert not [secret for secret in ("hunter", "s3cret") if secret in repr(settings) + str(settings)]


@pytest.mark.parametrize("line", ['secret = "hunter2', "secret = hunter2", 'secret = "a" hunter2'])
def test_a_syntax_error_tells_line_and_column_and_not_what_stands_there(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, f"[store]\n{line}\n")
    (mistake,) = raised.value.mistakes
    assert mistake.key.startswith("line 2, column ")
    assert "hunter2" not in str(mistake)


def test_an_unknown_key_is_met_with_the_nearest_known_one(tmp_path: Path) -> None:
    expected = mistakes(tmp_path, "[stroe]\n" + MINIMAL + 'urll = "x"\n')
    assert "'store'" in expected["stroe"]
    assert "'url'" in expected["store.urll"]


def test_names_used_twice_are_mistakes_even_across_servers(tmp_path: Path) -> None:
    token = f'[[api.tokens]]\nname = "crm"\nsha256 = "{SHA256}"\n'
    found = mistakes(tmp_path, MINIMAL + SERVER + SERVER + token + token)
    assert found.keys() == {"asterisk[main].name", "asterisk[main].trunks[a].name", "api.tokens[crm].name"}


@pytest.mark.parametrize(
    "text", ["store = 3", "asterisk = [1, {name = 2, trunks = [3]}]", "[[store]]", "api = []", "[api]\ntokens = [1]"]
)
def test_tables_of_the_wrong_kind_are_mistakes_and_not_crashes(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_a_file_that_is_not_there_or_not_text_is_a_mistake(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingsError, match=str(path)):
            load_settings(path)
    (tmp_path / "latin.toml").write_bytes(b"[store]\nurl = '\xe9'")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "calls.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///a?mode=ro",
        "postgresql://h",
        "http://[",
    ],
)
def test_urls_that_name_no_records_are_refused(tmp_path: Path, url: str) -> None:
    assert mistakes(tmp_path, f'[store]\nurl = "{url}"\n').keys() == {"store.url"}


REDIS = MINIMAL + '[redis]\nurl = "{}"\n'


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379",
        "redis://:pw@h/0",
        "rediss://me:pw@[::1]:6380/2?ssl_ca_certs=/ca.pem",
        "unix:///run/redis/redis.sock",
        "unix://me:pw@/run/redis.sock?db=1",
    ],
)
def test_engines_share_trunks_through_a_redis_that_is_named(tmp_path: Path, url: str) -> None:
    shared = load(tmp_path, REDIS.format(url)).redis
    assert shared is not None and shared.url == url
    assert (shared.engines_max, shared.prefix, shared.absent_s) == (2, "dialler", 900)
    assert shared.engine_name
    assert load(tmp_path, REDIS.format(url), DIALLER_REDIS__ENGINE="ann").redis.engine_name == "ann"  # type: ignore[union-attr]
    assert "pw" not in repr(shared)
    assert load(tmp_path, MINIMAL).redis is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://h",
        "redis://",
        "redis://h:x",
        "redis://h/x",
        "unix://",
        "unix://run/x",
        "redis://[",
    ],
)
def test_urls_that_name_no_redis_are_refused(tmp_path: Path, url: str) -> None:
    assert mistakes(tmp_path, REDIS.format(url)).keys() == {"redis.url"}


def test_the_password_of_redis_is_never_shown(tmp_path: Path) -> None:
    for url in ("http://:hunter2@h", "redis://h?password=hunter2", "redis://:hunter2@h/x"):
        with pytest.raises(SettingsError) as raised:
            load(tmp_path, REDIS.format(url))
        assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("line", ["engines_max = 0", 'engine = "a b"', 'prefix = ""', "absent_s = 1", "heartbeat = 1"])
def test_what_engines_can_not_share_by_is_refused(tmp_path: Path, line: str) -> None:
    assert mistakes(tmp_path, REDIS.format("redis://h") + line).keys() == {f"redis.{line.split(' ')[0]}"}


def test_the_credential_of_redis_is_its_url(tmp_path: Path) -> None:
    (tmp_path / "redis-url").write_text("redis://:pw@h\n")
    here = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load(tmp_path, MINIMAL, **here).redis.url == "redis://:pw@h"  # type: ignore[union-attr]
    old, new = load(tmp_path, MINIMAL), load(tmp_path, MINIMAL, **here)
    live, restart = changed_keys(old, new)
    assert live == () and "redis.url" in restart


def test_the_environment_wins_over_credentials_and_they_over_the_file(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ami-main").write_text("from-credential\n")
    (credentials / "store-url").write_text("postgresql://credential@h/d\n")
    here = {"CREDENTIALS_DIRECTORY": str(credentials)}
    settings = load(tmp_path, MINIMAL + SERVER, **here)
    assert ami_secret(settings.asterisk[0]) == "from-credential"
    assert settings.store.url == "postgresql://credential@h/d"
    settings = load(
        tmp_path,
        MINIMAL + SERVER,
        **here,
        DIALLER_STORE__URL="postgresql://environment@h/d",
        DIALLER_ASTERISK__MAIN__SECRET="from-environment",
        DIALLER_ENGINE__HOPPER_LEVEL="7",
        DIALLER_METRICS__LISTEN="[::1]:9000",
        DIALLER_LOG__PARTS='{session = "debug"}',
        DIALLER_LOG__LEVEL="",
        DIALLER_CONFIG="not-a-setting",
        DIALLER_TEST_PG="nor-this",
    )
    assert settings.store.url == "postgresql://environment@h/d"
    assert ami_secret(settings.asterisk[0]) == "from-environment"
    assert settings.engine.hopper_level == 7
    assert settings.metrics is not None
    assert settings.metrics.listen == "[::1]:9000"
    assert settings.log.parts == {"session": "debug"}
    assert settings.log.level == "info"


def test_mistakes_in_the_environment_name_the_variable(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        MINIMAL,
        DIALLER_ENGINE__HOPPER_LEVEL="many",
        DIALLER_ENGINE__HOPER="3",
        DIALLER_ASTERISK__MAIN__HOST="x",
        DIALLER_STORE__URL__X="y",
    )
    assert found.keys() == {
        "DIALLER_ENGINE__HOPPER_LEVEL",
        "DIALLER_ENGINE__HOPER",
        "DIALLER_ASTERISK__MAIN__HOST",
        "DIALLER_STORE__URL__X",
    }


def test_a_wrong_credential_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "ami-main").write_text("two\nlines")
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, MINIMAL + SERVER, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert [mistake.file for mistake in raised.value.mistakes] == [str(tmp_path / "ami-main")]


def test_settings_are_sought_in_their_places_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dialler.settings.sources.SYSTEM_FILE", tmp_path / "etc.toml")
    with pytest.raises(SettingsError) as raised:
        find_settings(None, {})
    places = str(raised.value)
    assert all(place in places for place in ("-c FILE", "$DIALLER_CONFIG", f"{tmp_path}/dialler.toml", "etc.toml"))
    (tmp_path / "etc.toml").touch()
    assert find_settings(None, {}) == tmp_path / "etc.toml"
    (tmp_path / "dialler.toml").touch()
    assert find_settings(None, {}) == Path("dialler.toml")
    assert find_settings(None, {"DIALLER_CONFIG": "/x/y.toml"}) == Path("/x/y.toml")
    assert find_settings(Path("given.toml"), {"DIALLER_CONFIG": "/x/y.toml"}) == Path("given.toml")


def test_what_only_run_needs_is_asked_for_only_by_run(tmp_path: Path) -> None:
    no_trunk = MINIMAL + '[api]\ntcp = "127.0.0.1:8088"\n[[asterisk]]\nname = "main"\n'
    settings = load(tmp_path, no_trunk)
    assert {mistake.key for mistake in for_run(settings)} == {"asterisk.trunks", "api.tokens", "asterisk[main].secret"}
    assert mistakes(tmp_path, no_trunk, for_run=True).keys() == {mistake.key for mistake in for_run(settings)}
    assert {mistake.key for mistake in for_run(load(tmp_path, MINIMAL))} == {"telephony.kind"}
    assert {mistake.file for mistake in for_run(settings)} == {str(tmp_path / "dialler.toml")}
    assert for_run(load(tmp_path, MINIMAL + SERVER)) == []


def test_a_socket_path_that_the_system_can_not_bind_is_a_mistake(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL + SERVER + f'[api]\nsocket = "/tmp/{"x" * 103}"\n')
    assert [mistake.key for mistake in for_run(settings)] == ["api.socket"]
    assert for_run(load(tmp_path, MINIMAL + SERVER + f'[api]\nsocket = "/tmp/{"x" * 102}"\n')) == []


def test_a_secret_file_is_read_for_run_only_and_its_absence_is_a_mistake(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL + SERVER.replace('secret = "s3cret"', 'secret_file = "secrets/ami"'))
    (mistake,) = for_run(settings)
    assert mistake.key == "asterisk[main].secret_file"
    assert str(tmp_path / "secrets/ami") in mistake.value
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/ami").write_text("\n")
    assert len(for_run(settings)) == 1
    (tmp_path / "secrets/ami").write_text("from-file\n")
    assert for_run(settings) == []
    assert ami_secret(settings.asterisk[0]) == "from-file"


@pytest.mark.parametrize(
    ("old", "new", "live", "restart"),
    [
        ("", "", (), ()),
        ("", '[log]\nlevel = "debug"\nparts = {session = "debug"}\n', ("log.level", "log.parts.session"), ()),
        (
            "",
            "[engine]\ndrain_timeout_s = 5\nhopper_level = 9\n",
            ("engine.drain_timeout_s", "engine.hopper_level"),
            (),
        ),
        ("", '[metrics]\nlisten = "127.0.0.1:0"\n', (), ("metrics.listen", "metrics.port_fallback")),
        ("", '[api]\ntcp = "127.0.0.1:0"\n', (), ("api.tcp",)),
        ("", '[web]\nlisten = "127.0.0.1:0"\n', (), ("web.listen",)),
    ],
)
def test_a_reload_tells_what_applies_and_what_waits(
    tmp_path: Path, old: str, new: str, live: tuple[str, ...], restart: tuple[str, ...]
) -> None:
    before, after = load(tmp_path, MINIMAL + old + SERVER), load(tmp_path, MINIMAL + new + SERVER)
    assert changed_keys(before, after) == (live, restart)


def test_trunks_are_compared_by_name_and_only_known_ones_change_live(tmp_path: Path) -> None:
    trunk = '[[asterisk.trunks]]\nname = "{}"\ndial = "PJSIP/{{number}}@x"\ncalls_per_second = {}\nchannels = 9\n'
    head = MINIMAL + '[[asterisk]]\nname = "main"\nsecret = "{}"\n'
    old = load(tmp_path, head.format("one") + trunk.format("a", 1) + trunk.format("b", 1))
    swapped = load(tmp_path, head.format("one") + trunk.format("b", 2) + trunk.format("a", 1))
    assert changed_keys(old, swapped) == (("asterisk[main].trunks[b].calls_per_second",), ())
    live, restart = changed_keys(old, load(tmp_path, head.format("two") + trunk.format("a", 1) + trunk.format("c", 1)))
    assert live == ()
    assert "asterisk[main].secret" in restart
    assert {"asterisk[main].trunks[b].channels", "asterisk[main].trunks[c].channels"} <= set(restart)


@given(host=st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), port=st.integers(0, 65535))
def test_every_host_and_port_is_split_where_it_was_joined(host: str, port: int) -> None:
    assert host_and_port(f"{host}:{port}") == (host, port)
    assert host_and_port(f"[{host}]:{port}") == (host, port)


@given(st.text(max_size=20))
def test_a_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        host, port = host_and_port(text)
    except ValueError:
        return
    assert host
    assert 0 <= port <= 65535


def test_settings_can_not_be_changed(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        settings.engine.hopper_level = 5


def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dialler.toml"
    path.write_text(MINIMAL)
    monkeypatch.setitem(os.environ, "DIALLER_ENGINE__HOPPER_LEVEL", "5")
    assert load_settings(path).engine.hopper_level == 5
