"""The doctor and a real Asterisk: a good one, and ones that were set up wrongly."""

from pathlib import Path

import pytest

from dialler.doctor.dialplan import VERSION
from dialler.doctor.finding import Verdict
from tests.support.installations import Edit, Installation, asterisk_settings, failures, of, only, spoilt_asterisk

pytestmark = pytest.mark.asterisk
MAIN = "main"


def replaced(old: str, new: str) -> Edit:
    return lambda text: text.replace(old, new)


def test_a_good_asterisk_has_nothing_to_mend_and_nothing_rings(installation: Installation) -> None:
    with spoilt_asterisk() as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
        assert asterisk.rung() == {}
        assert "0 calls processed" in asterisk.cli("core show calls")
    theirs = [each for each in report.findings if each.on == MAIN]
    assert {each.verdict for each in theirs} == {Verdict.OK, Verdict.SKIP}
    assert {each.check for each in theirs if each.verdict is Verdict.SKIP} == {
        "exchange.modules",
        "exchange.filters",  # what this account, which is a good one, may not read
        "exchange.writetimeout",
    }
    assert "Asterisk 2" in only(report, "exchange.version", Verdict.OK, on=MAIN).found
    assert f"version {VERSION}, as this" in only(report, "exchange.dialplan", Verdict.OK, on=MAIN).found
    assert "sales with 2 members" in only(report, "exchange.queues", Verdict.OK, on=MAIN).found
    assert "call are read" in only(report, "exchange.read", Verdict.OK, on=MAIN).found
    assert report.exit_code == 0


def test_an_asterisk_that_is_down_fails(installation: Installation) -> None:
    with spoilt_asterisk() as asterisk:
        installation.set(asterisk_settings(asterisk))
        asterisk.kill()
        report = installation.examine()
    finding = only(report, "exchange.connect", Verdict.FAIL, on=MAIN)
    assert "Connection refused" in finding.found and "enabled = yes" in finding.advice
    assert failures(report) == {"exchange.connect"}


def test_a_wrong_secret_fails_and_is_not_shown(installation: Installation) -> None:
    with spoilt_asterisk() as asterisk:
        installation.set(asterisk_settings(asterisk, secret="wrong-and-secret"))
        report = installation.examine()
    finding = only(report, "exchange.login", Verdict.FAIL, on=MAIN)
    assert "Authentication failed" in finding.found and "compare the secret" in finding.advice
    assert not any("wrong-and-secret" in f"{each.found}{each.advice}" for each in report.findings)


@pytest.mark.parametrize(
    ("file", "old", "new", "check", "found", "advice"),
    [
        ("manager_dialler.conf", "write = originate,call", "write = call", "exchange.write", "Originate", "add origin"),
        ("manager_dialler.conf", "agent,reporting", "agent", "exchange.write", "CoreShowChannels", "add reporting"),
        ("manager_dialler.conf", "agent,reporting", "reporting", "exchange.write", "QueuePause", "add agent to"),
        ("modules.conf", "load = app_queue.so\n", "", "exchange.modules", "app_queue not loaded", "load = app_queue"),
        ("manager_dialler.conf", "read = system,call,", "read = system,", "exchange.read", "not told", "read = system"),
        ("manager_dialler.conf", "(OriginateResponse)", "(Newexten)", "exchange.read", "filter holds", "manager.conf"),
        ("extensions_dialler.conf", "[dlr-answered]", "[other]", "exchange.dialplan", "no extension s", "extensions_"),
        ("extensions_dialler.conf", "exten => s,1,UserEvent(DlrAnswered", "exten => t,1,UserEvent(DlrAnswered",
         "exchange.dialplan", "no extension s", "dialplan reload"),
        ("extensions_dialler.conf", "[dlr-answered]\n", "[dlr-answered]\nexten => failed,1,Wait(9)\n",
         "exchange.dialplan", "each call that fails", "`failed`"),
        ("queues.conf", "[sales]", "[sails]", "exchange.queues", "no queue sales", "queues_dialler.conf"),
        ("extensions.conf", "[carrier]", "[other-carrier]", "exchange.trunks", "no context carrier", "leads to"),
    ],
)  # fmt: skip
def test_an_asterisk_that_is_set_up_wrongly_fails_with_the_right_advice(
    installation: Installation, file: str, old: str, new: str, check: str, found: str, advice: str
) -> None:
    with spoilt_asterisk({file: replaced(old, new)}) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
        assert "0 calls processed" in asterisk.cli("core show calls")
    finding = only(report, check, Verdict.FAIL, on=MAIN)
    assert found in finding.found and advice in finding.advice
    assert report.exit_code == 1


def test_a_context_that_calls_fail_into_is_found_without_running_it(installation: Installation) -> None:
    failing = "[dlr-answered]\nexten => failed,1,Set(FILE(/tmp/x,,,al,u)=ran)\n same => n,Wait(60)\n"
    with spoilt_asterisk({"extensions_dialler.conf": replaced("[dlr-answered]\n", failing)}) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
        assert asterisk.channels() == 0
    only(report, "exchange.dialplan", Verdict.FAIL, on=MAIN)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (f"exten => v{VERSION},", "exten => v0,", "from an older one"),
        ("[dlr-answered-version]", "[other-version]", "names no version"),
        ("[dlr-answered-joined]", "[other-joined]", "dlr-answered-joined of the shipped dialplan not"),
    ],
)
def test_a_dialplan_of_an_older_version_is_warned_of(
    installation: Installation, old: str, new: str, found: str
) -> None:
    with spoilt_asterisk({"extensions_dialler.conf": replaced(old, new)}) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
    finding = only(report, "exchange.dialplan", Verdict.WARN, on=MAIN)
    assert found in finding.found and "`dialler asterisk-config` writes it" in finding.advice
    assert report.exit_code == 0


def test_a_limit_of_calls_and_an_empty_queue_are_warned_of(installation: Installation) -> None:
    with spoilt_asterisk({"asterisk.conf": replaced("[options]", "[options]\nmaxcalls = 10")}) as asterisk:
        installation.set(asterisk_settings(asterisk, queue="empty"))
        report = installation.examine()
    assert "maxcalls = 10" in only(report, "exchange.limits", Verdict.WARN, on=MAIN).found
    assert "no agent is a member of empty" in only(report, "exchange.queues", Verdict.WARN, on=MAIN).found
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "check", "verdict", "found"),
    [
        ("writetimeout = 5000", "writetimeout = 200", "exchange.writetimeout", Verdict.WARN, "200 ms"),
        ("writetimeout = 5000", "", "exchange.writetimeout", Verdict.WARN, "100 ms"),
        ("eventfilter(action(include),name(Hangup)) =", "", "exchange.filters", Verdict.FAIL, "hold back Hangup"),
        ("read = system,call,agent,user", "read = system,call,user", "exchange.read", Verdict.FAIL, "class agent"),
        ("agent,reporting", "agent,reporting,config", "exchange.write", Verdict.WARN, "class config"),
    ],
)
def test_an_account_that_may_read_its_own_configuration_is_known_exactly(
    installation: Installation, old: str, new: str, check: str, verdict: Verdict, found: str
) -> None:
    def edit(text: str) -> str:
        text = text.replace(old, new)
        return text if "reporting,config" in text else text.replace("agent,reporting", "agent,reporting,config")

    with spoilt_asterisk({"manager_dialler.conf": edit}) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
    assert found in only(report, check, verdict, on=MAIN).found
    assert not any(asterisk.secret in f"{each.found}{each.advice}" for each in report.findings)


def test_an_account_that_may_run_commands_is_warned_of(installation: Installation) -> None:
    edit = replaced("agent,reporting", "agent,reporting,system,command")
    with spoilt_asterisk({"manager_dialler.conf": edit}) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
    finding = only(report, "exchange.write", Verdict.WARN, on=MAIN)
    assert "command, system" in finding.found and "out of `write`" in finding.advice
    assert "app_queue" in only(report, "exchange.modules", Verdict.OK, on=MAIN).found


def test_a_module_that_some_campaigns_need_is_missed_where_the_account_may_ask(installation: Installation) -> None:
    edits = {
        "manager_dialler.conf": replaced("agent,reporting", "agent,reporting,system"),
        "modules.conf": replaced("load = app_amd.so\n", ""),
    }
    with spoilt_asterisk(edits) as asterisk:
        installation.set(asterisk_settings(asterisk))
        report = installation.examine()
    finding = only(report, "exchange.modules", Verdict.WARN, on=MAIN)
    assert "app_amd not loaded, which campaigns with answering" in finding.found


def test_an_endpoint_that_asterisk_does_not_know_fails(installation: Installation) -> None:
    with spoilt_asterisk({"modules.conf": lambda text: text + "load = func_devstate.so\n"}) as asterisk:
        text = asterisk_settings(asterisk).replace("Local/{number}@carrier/n", "PJSIP/{number}@nowhere")
        installation.set(text)
        report = installation.examine()
    finding = only(report, "exchange.trunks", Verdict.FAIL, on=MAIN)
    assert "no such endpoint" in finding.found and "pjsip show endpoints" in finding.advice


def test_a_second_server_is_examined_beside_the_first(installation: Installation, tmp_path: Path) -> None:
    with spoilt_asterisk() as asterisk:
        first = asterisk_settings(asterisk)
        second = '[[asterisk]]\nname = "spare"\nport = 1\nsecret = "x"\n'
        installation.set(first + second)
        report = installation.examine()
    only(report, "exchange.login", Verdict.OK, on=MAIN)
    only(report, "exchange.connect", Verdict.FAIL, on="spare")
    assert not of(report, "exchange.login", on="spare")
