"""What engines share through a Redis (or Valkey) server: the caps of trunks, and wake-ups.

Nothing here is worth keeping: all of it is said anew by each engine, once a second and at each reservation.

The model, for each trunk. Every engine is *entitled* to a number of channels: those it uses, and some to spare. The
server holds all entitlements, and their sum never exceeds the cap. Only the server raises one, in its answer; only
the engine lowers its own, and only then tells. So whatever gets lost or comes late, the server never counts less than
an engine may use, without any clock: a cut link takes nobody's leave away, and gives nobody more. An engine with
nothing to do is entitled to its share, 1/`engines_max` of the cap; it lends half of what it does not use each second to
those who are full. Who is below his share is served before those who are above.

Calls a second come from one bucket in the server, in the terms of `strategies.token_bucket`.

When the server is away, each engine keeps to 1/`engines_max` of the rate and of the channels, and of the latter to what
it was entitled to. The others, if they still reach the server, must know by then: an engine that has said nothing for
`ABSENT_AFTER_S` is absent, and the bucket gives its share of the rate to nobody. So for that long it places no call by
itself, and begins without a burst. It counts until it is back and has spoken once more, knowing that it was
heard, or for `absent_s`.

What guards this:

* An engine has one question under way at a time, numbered; one that comes late, or after a later one, is refused. So
  one that its engine has given up can not speak for it any more.
* A server that was started anew does not know the script. Whoever tells it to it also tells that its data may be gone
  or old: then nobody's entitlement is raised for `SETTLE_S`, in which all engines speak up, and for `absent_s` each of
  `engines_max` that has not is taken for one on its safe share.
* Where engines have different caps the smallest counts, and the largest `engines_max`.

Two things are left to the operator: that no more engines run than `engines_max` (one more is refused), and that each
has a name of its own (a second one of that name is refused). Known and accepted: an engine that is *started* while it
can't reach the server, and others can, keeps to its safe share though they do not count it; and one that was cut off
for more than `absent_s` is counted no more.

* `limits.lua` - all that the server decides. `limits` - the engine's side. `line` - questions and their time-outs.
* `wakes` - publish and subscribe. `probe` - for `dialler doctor`.
"""
