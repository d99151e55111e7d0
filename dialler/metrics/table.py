"""All metrics: name, type, labels, and what they say."""

from typing import Final, Literal, NamedTuple


class MetricRow(NamedTuple):
    """One metric, as the docs have it and as the registry is held to."""

    name: str
    """As Prometheus sees it; a counter's ends in `_total`."""

    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


COUNTED: Final = (
    MetricRow("dialler_sessions_opened_total", "counter", ("campaign", "list"), "Intents to call that became durable."),
    MetricRow("dialler_sessions_closed_total", "counter", ("campaign", "list", "status"), "Attempts that are over."),
    MetricRow("dialler_outcomes_total", "counter", ("campaign", "list", "outcome"), "What attempts ended as."),
    MetricRow("dialler_trunk_outcomes_total", "counter", ("trunk", "outcome"), "What attempts ended as, by trunk."),
    MetricRow("dialler_calls_answered_total", "counter", ("campaign",), "Calls that someone, or something, picked up."),
    MetricRow(
        "dialler_calls_abandoned_total",
        "counter",
        ("campaign", "reason"),
        "Persons who answered and got no agent in time.",
    ),
    MetricRow(
        "dialler_abandoned_while_idle_total",
        "counter",
        ("campaign",),
        "Of those, persons who waited in a queue while a ready member of it was idle.",
    ),
    MetricRow(
        "dialler_answer_to_agent_seconds",
        "histogram",
        ("campaign",),
        "From when patience began, at the answer or the end of the greeting, to an agent.",
    ),
    MetricRow(
        "dialler_answer_to_message_seconds",
        "histogram",
        ("campaign",),
        "From when patience began to the information message.",
    ),
    MetricRow(
        "dialler_messages_late_total", "counter", ("campaign",), "Information messages that began after patience ended."
    ),
    MetricRow("dialler_sessions_adopted_total", "counter", ("campaign",), "Live calls followed again after a gap."),
    MetricRow(
        "dialler_sessions_caught_up_total",
        "counter",
        ("campaign",),
        "Calls that ended in a gap, of which the exchange told afterwards.",
    ),
    MetricRow("dialler_originate_ack_seconds", "histogram", ("trunk",), "From an Originate to the exchange's answer."),
    MetricRow("dialler_ring_seconds", "histogram", ("campaign",), "How long calls rang."),
    MetricRow("dialler_talk_seconds", "histogram", ("campaign",), "How long answered calls lasted."),
    MetricRow("dialler_leads_refused_total", "counter", ("campaign", "gate"), "Leads refused at the moment of intent."),
    MetricRow("dialler_leads_woken_total", "counter", ("campaign", "list"), "Rested leads that became ready again."),
    MetricRow("dialler_lists_dry_total", "counter", ("campaign", "list"), "Times that a list had nobody left to call."),
    MetricRow("dialler_campaigns_blocked_total", "counter", ("campaign",), "Times that a campaign could not dial."),
    MetricRow("dialler_link_up", "gauge", ("server",), "Whether the link to an exchange is up."),
    MetricRow("dialler_link_breaks_total", "counter", ("server",), "Times that the link to an exchange broke."),
    MetricRow(
        "dialler_link_round_trip_seconds", "histogram", ("server",), "From a ping to an exchange's answer, AMI's Ping."
    ),
    MetricRow(
        "dialler_event_lag_seconds", "histogram", (), "From an exchange's event's arrival to its being taken in."
    ),
    MetricRow(
        "dialler_agent_free_to_originate_seconds",
        "histogram",
        ("campaign",),
        "From an agent getting free to the next Originate for him.",
    ),
    MetricRow("dialler_loop_late_seconds", "histogram", (), "How much later than asked the loop that dials ran."),
    MetricRow("dialler_trunk_rests_total", "counter", ("trunk",), "Times that a trunk was rested after faults."),
    MetricRow("dialler_shared_limits_away_total", "counter", (), "Times that what the engines share was out of reach."),
    MetricRow("dialler_calls_unknown_total", "counter", (), "Events of calls that no open session knows."),
    MetricRow("dialler_calls_illegal_total", "counter", (), "Events that a call which has ended can't have."),
    MetricRow("dialler_calls_overdue_total", "counter", ("campaign",), "Calls whose verdict did not come in time."),
    MetricRow("dialler_store_failures_total", "counter", (), "Times that the records could not be written."),
    MetricRow("dialler_store_commit_seconds", "histogram", (), "How long commits took."),
    MetricRow("dialler_store_commit_works", "histogram", (), "How many works shared a commit."),
    MetricRow("dialler_import_rows_total", "counter", ("campaign", "list", "result"), "Rows of lead files."),
    MetricRow("dialler_settings_reloads_total", "counter", ("result",), "Reloads of the settings."),
    MetricRow("dialler_build_info", "gauge", ("version", "iana_version"), "Always 1; what runs is in the labels."),
)
"""Those that events and commits move."""

REPORTED: Final = (
    MetricRow("dialler_engine_report_up", "gauge", (), "Whether the engine answered this scrape in time."),
    MetricRow("dialler_engine_start_time_seconds", "gauge", (), "When the engine began, in Unix time."),
    MetricRow("dialler_shared_limits_up", "gauge", (), "Whether the trunks' caps are shared with other engines now."),
    MetricRow("dialler_campaign_calls", "gauge", ("campaign", "state"), "Live calls."),
    MetricRow("dialler_campaign_agents", "gauge", ("campaign", "state"), "Agents of a campaign's queue."),
    MetricRow("dialler_campaign_desired", "gauge", ("campaign", "desired"), "1 for what supervisors want."),
    MetricRow("dialler_campaign_actual", "gauge", ("campaign", "actual"), "1 for what the engine does."),
    MetricRow("dialler_hopper_leads", "gauge", ("campaign", "list"), "Leads ready in the hopper."),
    MetricRow(
        "dialler_list_runway_seconds",
        "gauge",
        ("campaign", "list"),
        "How long the leads that can be dialled now last at the present pace.",
    ),
    MetricRow("dialler_list_share", "gauge", ("campaign", "list"), "A list's part of the calls of the present round."),
    MetricRow("dialler_list_share_due", "gauge", ("campaign", "list"), "A list's part by weight in the present round."),
    MetricRow(
        "dialler_list_share_error_ratio",
        "gauge",
        ("campaign",),
        "How far apart the shares of any two lists are now, as a part of the bound; at most 1.",
    ),
    MetricRow(
        "dialler_list_share_error_worst_ratio",
        "gauge",
        ("campaign",),
        "The largest that the error of the shares has been since the engine began; at most 1.",
    ),
    MetricRow(
        "dialler_abandon_rate",
        "gauge",
        ("campaign", "period"),
        "Abandoned of the calls that a person answered, from the ledger.",
    ),
    MetricRow(
        "dialler_abandon_answered", "gauge", ("campaign", "period"), "Calls that a person answered, from the ledger."
    ),
    MetricRow(
        "dialler_abandon_rate_max",
        "gauge",
        ("campaign", "period"),
        "The abandon rate allowed of so many calls: the limit, and more while there are few.",
    ),
    MetricRow(
        "dialler_callbacks_waiting",
        "gauge",
        ("campaign",),
        "Callbacks that are due and wait for nothing but the agents who promised them.",
    ),
    MetricRow(
        "dialler_agents",
        "gauge",
        ("state",),
        "Agents of all queues; those who are held for one call of their own are `reserved`.",
    ),
    MetricRow("dialler_records_report_up", "gauge", (), "Whether the records answered this scrape in time."),
    MetricRow("dialler_sessions", "gauge", ("campaign", "status"), "Sessions that the records hold."),
    MetricRow("dialler_leads", "gauge", ("campaign", "list", "state"), "Leads that the records hold."),
    MetricRow("dialler_leads_dialable", "gauge", ("campaign", "list"), "Ready leads whose calling window is open now."),
    MetricRow("dialler_unaccounted", "gauge", ("what",), "Differences that nobody can account for; all must be 0."),
    MetricRow("dialler_trunk_up", "gauge", ("trunk", "server"), "Whether calls can be placed on a trunk."),
    MetricRow("dialler_trunk_channels_used", "gauge", ("trunk", "server"), "Channels of a trunk in use."),
    MetricRow("dialler_trunk_channels_max", "gauge", ("trunk", "server"), "Channels that a trunk may use."),
    MetricRow("dialler_trunk_calls_per_second_max", "gauge", ("trunk", "server"), "Calls a second allowed."),
    MetricRow("dialler_trunk_tokens", "gauge", ("trunk", "server"), "Calls that a trunk's rate allows now."),
    MetricRow("dialler_caller_ids", "gauge", ("pool", "state"), "Numbers of caller-id pools that campaigns dial with."),
    MetricRow("dialler_caller_ids_low", "gauge", ("pool",), "Numbers in use that are answered less than their pool."),
    MetricRow(
        "dialler_caller_id_answer_ratio",
        "gauge",
        ("pool", "of"),
        "Answered calls through those that may have seen the number, over seven days.",
    ),
    MetricRow("dialler_events_dropped_total", "counter", (), "Events of exchanges lost because nobody read them."),
)
"""Those that the engine's report gives at the moment of a scrape."""

METRICS: Final = COUNTED + REPORTED

BUCKETS: Final = {
    "dialler_originate_ack_seconds": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    "dialler_answer_to_agent_seconds": (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 5, 10),
    "dialler_answer_to_message_seconds": (0.05, 0.5, 1, 1.5, 1.7, 1.8, 1.85, 1.9, 1.95, 2, 2.1, 2.25, 2.5, 3, 5, 10),
    "dialler_ring_seconds": (1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 40, 60),
    "dialler_talk_seconds": (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 3600),
    "dialler_link_round_trip_seconds": (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    "dialler_event_lag_seconds": (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    "dialler_agent_free_to_originate_seconds": (
        0.001,
        0.0025,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
        60,
    ),
    "dialler_loop_late_seconds": (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    "dialler_store_commit_seconds": (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    "dialler_store_commit_works": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
}
"""Upper bounds of the histograms' buckets."""
