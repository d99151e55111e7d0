"""Asterisk, through its manager interface (AMI): one `AsteriskNetwork` over several servers and trunks.

* `settings` - what an operator says of a server and its trunks.
* `wire` - bytes to messages and back: framing, parsing, and what must never be sent. Pure.
* `protocol` - panoramisk's protocol and manager with their faults mended: nothing is sent twice or later,
  no future leaks, memory is bounded, one bad message or callback costs only itself.
* `link` - one connection kept up: connect, log in, wait for the boot, filter, ping, back off.
* `translate`, `live`, `queue_members` - AMI messages to `telephony` values. Pure.
* `calls` - which calls are ours, and exactly one `HungUp` for each.
* `adapter` - the `Telephony` port on top of all that.
* `snippets` - fills in the Asterisk files of `config/asterisk/`.

What happens on failure: a link that breaks, is silent or sends nonsense is closed and built anew after a
growing, jittered wait, and everything that waited for an answer gets `LinkLost`. Nothing is synthesised for
calls that were up: after `LinkUp` ask `live_calls`. A login that is refused is tried again just as slowly, and
says so in its link's status, in the log and in `LinkDown`.
"""

from telephony.ami.adapter import AsteriskNetwork
from telephony.ami.link import LinkState, LinkStatus
from telephony.ami.settings import AsteriskServer, AsteriskTrunk, Timing
from telephony.ami.snippets import Snippet

__all__ = ["AsteriskNetwork", "AsteriskServer", "AsteriskTrunk", "LinkState", "LinkStatus", "Snippet", "Timing"]
