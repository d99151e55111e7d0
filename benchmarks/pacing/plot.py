"""Utilisation against abandon rate as an SVG picture: one panel for each size of team, one dot for each strategy."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT, MARGIN, COLUMNS = 380, 300, 48, 2
RATE_MAX: Final = 0.06
"""The right edge; whoever abandons more is drawn on it, with the figure."""

UTILISATION_MIN, UTILISATION_MAX = 0.3, 1.0
LIMIT: Final = 0.03


def plot(panels: Mapping[str, Sequence[tuple[str, float, float]]], ours: str) -> str:
    """Return the picture of panels by title: (strategy, abandon rate, utilisation), both 0..1; `ours` stands out."""
    rows = -(-len(panels) // COLUMNS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * WIDTH}" height="{rows * HEIGHT}" '
        'font-family="sans-serif" font-size="10">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (title, dots) in enumerate(panels.items()):
        x, y = number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(title, dots, ours), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, dots: Sequence[tuple[str, float, float]], ours: str) -> Iterator[str]:
    left, top, right, bottom = MARGIN, 28, WIDTH - 90, HEIGHT - 40
    yield f'<text x="{left}" y="16" font-size="12">{escape(title)}</text>'
    for share in (0.4, 0.6, 0.8, 1.0):
        y = _between(share, UTILISATION_MIN, UTILISATION_MAX, bottom, top)
        yield f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>'
        yield f'<text x="{left - 6}" y="{y + 3:.1f}" text-anchor="end">{share:.1f}</text>'
    for rate in (0.0, 0.02, 0.04, 0.06):
        x = _between(rate, 0.0, RATE_MAX, left, right)
        yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{100 * rate:.0f} %</text>'
    x = _between(LIMIT, 0.0, RATE_MAX, left, right)
    yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="#c33" stroke-dasharray="4 3"/>'
    yield f'<text x="{(left + right) / 2}" y="{bottom + 30}" text-anchor="middle">abandoned, worst seed</text>'
    yield f'<text transform="translate(12 {(top + bottom) / 2}) rotate(-90)" text-anchor="middle">utilisation</text>'
    lowest = float("inf")
    for name, rate, utilisation in sorted(dots, key=lambda dot: -dot[2]):
        x = _between(min(rate, RATE_MAX), 0.0, RATE_MAX, left, right)
        y = _between(max(utilisation, UTILISATION_MIN), UTILISATION_MIN, UTILISATION_MAX, bottom, top)
        # Names stand one below the other beside their dots, however close the dots are.
        label_y = y + 3 if lowest == float("inf") else max(y + 3, lowest + 11)
        lowest = label_y
        color = "#06c" if name == ours else "#555"
        label = name if rate <= RATE_MAX else f"{name} ({100 * rate:.0f} %)"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if name == ours else 3}" fill="{color}"/>'
        yield f'<path d="M{x:.1f} {y:.1f}L{x + 8:.1f} {label_y - 3:.1f}" stroke="#bbb"/>'
        yield f'<text x="{x + 9:.1f}" y="{label_y:.1f}" fill="{color}">{escape(label)}</text>'


def _between(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / (high - low) * (end - start)
