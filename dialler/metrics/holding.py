"""Turns what the records hold into metrics."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from dialler.ports import Account

Family = GaugeMetricFamily | CounterMetricFamily
Families = dict[str, Family]


def fill_account(families: Families, account: Account) -> None:
    """Add the samples of an account to their families."""
    families["dialler_records_report_up"].add_metric([], 1)
    for campaign, sessions in account.sessions.items():
        for status, count in sessions.items():
            families["dialler_sessions"].add_metric([campaign, status], count)
    for each in account.lists:
        for state, count in each.leads.items():
            families["dialler_leads"].add_metric([each.campaign, each.list, state], count)
        families["dialler_leads_dialable"].add_metric([each.campaign, each.list], each.dialable)
    for what, difference in account.unaccounted.items():
        families["dialler_unaccounted"].add_metric([what], difference)
