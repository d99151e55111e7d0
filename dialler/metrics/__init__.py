"""The metrics: counted from the same events that the log speaks, and served to Prometheus on a port of their own.

* `table` - `METRICS`, all of them: names and labels, which other programs rely on. Labels are bounded: campaigns,
  lists, trunks, servers, outcomes, states; never a lead, a number or an agent.
* `counting` - `Metrics`, a subscriber of the journal.
* `reporting` - what the engine's report and account say at the moment of a scrape; `holding` is the latter's part.
* `lateness` - how late the event loop runs, looked at twice a second.
* `serving` - the port. It has threads of its own, so a scrape does not hold up the loop that dials, except for the
  moment in which that loop hands over its report.
"""

from dialler.metrics.counting import Metrics
from dialler.metrics.lateness import watch_loop
from dialler.metrics.reporting import await_on_loop, from_loop
from dialler.metrics.serving import MetricsServer, serve
from dialler.metrics.table import METRICS, MetricRow

__all__ = ["METRICS", "MetricRow", "Metrics", "MetricsServer", "await_on_loop", "from_loop", "serve", "watch_loop"]
