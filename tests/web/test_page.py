"""The board in a real browser, of a real daemon: it follows by itself, and it can be read, whatever happens."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.chromium import Chromium, Page, chromium
from tests.support.daemon import Installation, installation
from tests.support.web import Web, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SETTINGS = """
[web]
listen = "127.0.0.1:0"
[telephony]
kind = "simulated"
[simulated]
answer_rate = 0.5
answer_s = 2
unanswered = { busy = 1 }
talk_s = 3
wrap_up_s = 1
[[simulated.trunks]]
name = "carrier-a"
server = "simulated"
calls_per_second = 20
channels = 40
[[simulated.agents]]
number = 4
queues = ["sales"]
"""
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>" + "Donaudampfschifffahrtsgesellschaft" + '&amp;"'
LONG = "x" * 100

# Every text that is seen, with the contrast that it has to what is behind it, where that is less than WCAG's AA asks.
FAINT = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (part) => { part /= 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
  const luminance = ([red, green, blue]) => 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    if (!node.textContent.trim() || !owner.checkVisibility() || owner.closest(".unseen")) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(owner).color)), luminance(behind(owner))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push([node.textContent.trim(), contrast]);
  }
  return found;
})()"""


@dataclass
class Board:
    """All of it: an installation, the board's process, a browser."""

    installed: Installation
    web: Web
    browser: Chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as running:
        yield running


@pytest.fixture
def board(browser: Chromium) -> Iterator[Board]:
    with installation(SETTINGS) as installed, started(installed.file) as web:
        yield Board(installed, web, browser)


def fill(installed: Installation) -> None:
    """Make three campaigns, two of which run, with names that are long and hostile."""
    leads = "\n".join(["number", *(f"+1212555{place:04d}" for place in range(600))]).encode()
    kinds = {
        "spring": {"pacing": "ratio", "queue": "sales", "hours": "always"},
        HOSTILE: {"pacing": "agentless", "message": "acme/news", "hours": "mon-sun 03:00-03:01"},
        LONG: {"pacing": "agentless", "message": "acme/news", "hours": "always"},
    }
    for name, kind in kinds.items():
        made = installed.api("POST", "/campaigns", {"name": name, "timezone": "America/New_York", **kind})
        place = f"/campaigns/{made['campaign_id']}"
        if name != LONG:
            of_it = installed.api("POST", f"{place}/lists", {"name": f"list of {name}"[:100].strip()})["name"]
            installed.api("POST", "/leads/import", content=leads, campaign=name, list=of_it)
            installed.api("POST", f"{place}/start")


def card(name: str) -> str:
    """Return the card of a campaign, as JavaScript."""
    is_it = f"(card) => card.querySelector('h3').textContent === {json.dumps(name)}"
    return f"[...document.querySelectorAll('.campaign')].find({is_it})"


def figure(page: Page, key: str) -> int:
    return int(page.evaluate(f"document.querySelector('.totals [data-put={key}]').textContent.replace(',', '')"))


def test_the_board_follows_what_goes_on_survives_the_daemon_and_shows_names_as_they_are(board: Board) -> None:
    page = board.browser.page(board.web.url)
    page.until("document.querySelector('.headline').textContent.startsWith('No daemon answers on ')")
    assert page.evaluate("document.getElementById('board').hidden")
    page.evaluate("window.sameDocument = true")

    with board.installed.daemon() as daemon:
        page.until("document.getElementById('notice').hidden && !document.getElementById('no-campaigns').hidden")
        assert "dialler campaign create spring" in page.text("#no-campaigns")
        assert page.text("#spoken") == "The daemon answers again."
        fill(board.installed)
        page.until("document.querySelectorAll('.campaign').length === 3")
        page.until("document.getElementById('no-campaigns').hidden")
        page.until(f"{card('spring')}.querySelector('[data-put=talking]').textContent > '0'")
        # It goes on by itself: more and more were called, and rest.
        resting = f"{card('spring')}.querySelector('tbody [data-put=resting]').textContent.replace(',', '')"
        before = int(page.evaluate(resting))
        page.until(f"Number({resting}) > {before + 5}", within_s=90)
        lasts = f"{card('spring')}.querySelector('tbody [data-put=lasts]').textContent"
        page.until(f"/^[0-9]+ (s|min|h|d)/.test({lasts})")
        assert page.evaluate(f"{card('spring')}.querySelector('.lasts').textContent").endswith("at the present pace")
        assert page.evaluate(f"{card('spring')}.querySelector('tbody [data-put=so_far]').textContent") == "100 %"
        assert figure(page, "channels") == 40
        assert figure(page, "running") == 2
        assert page.evaluate(f"{card(HOSTILE)}.querySelector('.callbacks').hidden")
        in_two_days = datetime.now(UTC).date() + timedelta(days=2)
        board.installed.api("PUT", "/leads/700/callback", {"at": f"{in_two_days}T03:00"})
        page.until(f"!{card(HOSTILE)}.querySelector('.callbacks').hidden")
        promised = page.evaluate(f"{card(HOSTILE)}.querySelector('.callbacks').innerText")
        assert re.search(rf"the first is due at \w+,? {in_two_days.day} ", promised), promised
        assert page.evaluate(f"{card('spring')}.querySelector('.callbacks').hidden")
        assert "wait for their window" in page.evaluate(f"{card(HOSTILE)}.querySelector('.why').innerText")
        assert "dialler list create xxx" in page.evaluate(f"{card(LONG)}.querySelector('.why').innerText")
        for width in (1280, 390, 320):
            page.size(width, 844)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        page.size(1280, 900)
        cut = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).length"
        assert page.evaluate(cut) == 0
        for scheme in ("light", "dark"):
            page.scheme(scheme)
            assert page.evaluate(FAINT) == []
        assert page.evaluate("document.querySelectorAll('main img, main b').length") == 0
        assert names_of_tables(page) >= {"Agents", "Trunks", "Lists of spring", f"Lists of {HOSTILE}"}
        daemon.kill()

    page.until("document.body.classList.contains('stale')")
    assert "No daemon answers on" in page.text("#notice")
    assert f"dialler run -c {board.installed.file}" in page.text("#notice")
    assert "What is below is of" in page.text("#notice")
    assert "No daemon answers on" in page.text("#spoken")
    assert page.evaluate(f"{card('spring')}.querySelectorAll('tbody tr').length") == 1  # what was known stays
    for scheme in ("dark", "light"):
        page.scheme(scheme)
        assert page.evaluate(FAINT) == []

    with board.installed.daemon():
        page.until("!document.body.classList.contains('stale') && document.getElementById('notice').hidden")
        page.until(f"{card('spring')}.querySelector('[data-put=talking]').textContent > '0'")
    assert page.evaluate("window.sameDocument && document.title !== 'owned'")
    assert page.complaints() == []


def test_a_page_whose_own_server_is_gone_says_so_and_goes_on_with_the_next_one(board: Board) -> None:
    with board.installed.daemon():
        fill(board.installed)
        page = board.browser.page(board.web.url)
        page.until("document.querySelectorAll('.campaign').length === 3")
        page.evaluate("window.sameDocument = true")
        address = board.web.url.removeprefix("http://")
        board.web.stop()
        page.until("document.querySelector('.headline').textContent.startsWith(\"This page's own server\")")
        assert f"dialler web -c {board.installed.file}" in page.text("#notice")
        assert page.evaluate("document.querySelectorAll('.campaign').length") == 3
        assert page.evaluate("document.body.classList.contains('stale')")
        with started(board.installed.file, "--listen", address):
            page.until("!document.body.classList.contains('stale')")
            assert page.evaluate("window.sameDocument")


def names_of_tables(page: Page) -> set[str]:
    """Return what a screen reader calls the tables."""
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    return {node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "table"}
