"""dialler doctor."""

from collections import Counter

from dialler.cli.options import ConfigOption, JsonOption
from dialler.cli.printing import print_json, print_line


def doctor(*, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Examine the whole installation and say what to do; it changes nothing, and no telephone rings.

    Settings, versions, records, sockets and ports, the systemd unit, and each Asterisk. Exit code 0 if nothing
    fails, 1 if something does, 2 if the settings can't be read.

    Example: `dialler doctor -c /etc/dialler/dialler.toml`
    """
    from dialler.app.doctor import doctor

    report = doctor(config)
    counts = Counter(finding.verdict.value for finding in report.findings)
    if json:
        print_json(
            {
                "ok": report.exit_code == 0,
                "file": report.file,
                "counts": {verdict: counts[verdict] for verdict in ("ok", "warn", "fail", "skip")},
                "findings": [
                    {
                        "check": each.check,
                        "on": each.on or None,
                        "verdict": each.verdict.value,
                        "found": each.found,
                        "advice": each.advice or None,
                    }
                    for each in report.findings
                ],
            }
        )
        return report.exit_code
    for each in report.findings:
        on = f" [{each.on}]" if each.on else ""
        print_line(f"{each.verdict.value:5} {each.check}{on}: {each.found}")
        if each.advice:
            print_line(f"      -> {each.advice}")
    print_line(
        f"\n{counts['ok']} ok, {counts['warn']} to mend soon, {counts['fail']} failed, {counts['skip']} not found out"
    )
    return report.exit_code
