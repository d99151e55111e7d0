"""What a telephone exchange can do for a dialler, and the exchanges themselves.

`port` says what the engine may ask, `events` what it is told, `causes` why calls end. `ami` is Asterisk
through its manager interface, `simulated` a seeded network on any clock; one contract suite
(`tests/contracts/`) runs on both.

The promises of every implementation:

* A call is known by its `call_id` alone, chosen by the caller and fresh for every call.
* `originate` either returns (accepted: exactly one `HungUp` follows, unless the link is lost), or raises:
  `NotSent` and `Refused` mean that nothing was placed; `LinkLost` that nobody can say.
* Nothing is ever sent twice, and nothing is sent later than asked.
* Events of one server arrive in the order in which it sent them; events about one call may still overtake
  each other or come twice, as Asterisk's do. After `LinkDown` events are missing: when `LinkUp` comes,
  `live_calls` tells which calls are still there, and `ended_calls` what became of answered ones that are not.

This package knows nothing of leads or campaigns, and imports nothing of `dialler`.
"""
