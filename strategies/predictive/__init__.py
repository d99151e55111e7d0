"""Predictive pacing: how many calls to launch now, so that agents talk and no answered person waits too long.

The question. A call launched now is answered in ten or twenty seconds, if at all. When that answer comes, an agent has
to be free within the patience. So agents coming free are weighed against answers under way, as distributions:

    X(u) = idle - waiting + agents free by u + patience - answers by u

`cells` puts every live call and agent into a bin of state and age, `hazards` learns how each bin is left, `level` how
many people answer just now. `tables` makes of that the chance of each bin to become an answer or a free agent within
nine horizons u. `blocking` has the distribution of X(u), and the risk that the answer of one more call finds no agent,
or takes one from a later answer. `price` says what risk is worth it: the abandons that the limit still allows are a
credit; the less is left, the lower the price. `strategy` launches while the risk is below the price. As many calls as
there are idle agents carry no risk and are launched always.

What it aims at: an abandon rate that ends just under its limit. At the start, and far over the limit, it calls little
more than it can serve; in debt the price falls, and the rate with it. What it needs: the rosters of
`strategies.roster`, fed by events, and to be asked again within half a second. Without rosters it paces progressively.
docs/pacing.md has what it reaches in simulation, alone and through the engine.
"""

from strategies.predictive.strategy import Predictive

__all__ = ["Predictive"]
