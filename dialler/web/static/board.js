// Follows what goes on: fetches board.json each second and puts it into its places.
//
// What comes from the daemon is only ever put in as text, never as HTML. Elements are kept and changed in place, so
// that nothing flickers, a selection stays, and a screen reader keeps its place.
"use strict";

const EVERY_MS = 1000;
const ANSWER_MS = 5000;
const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)/;

const byId = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en-GB");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockShort = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayAndClock = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});

let edition = null; // of the page's files, as of the first answer
let known = null; // the last answer that showed something
let spokenOf = null; // the state of the link that was last read out
let ownCures = []; // what to do where this page's server is gone: it can't be asked then
let lostAt = null; // since when this page's own server gives no answer
let timer = 0;

// ---- putting text into places

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

function said(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? numbers.format(value) : String(value);
}

function fill(root, values) {
  for (const node of root.querySelectorAll("[data-put]")) {
    const key = node.dataset.put;
    if (key in values) put(node, said(values[key]));
  }
}

function copyOf(template) {
  return byId(template).content.firstElementChild.cloneNode(true);
}

// Makes the children of `parent` those of `items`, in their order; a child that is there already is kept.
function each(parent, items, keyOf, make, change) {
  const there = new Map(Array.from(parent.children, (node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  items.forEach((item, index) => {
    const key = String(keyOf(item, index));
    let node = there.get(key);
    if (node) {
      there.delete(key);
    } else {
      node = make(item);
      node.dataset.key = key;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    change(node, item);
  });
  for (const node of there.values()) node.remove();
}

function commands(parent, lines) {
  each(parent, lines, (_, index) => index, () => {
    const item = document.createElement("li");
    item.append(document.createElement("code"));
    return item;
  }, (item, line) => put(item.firstElementChild, line));
}

// ---- moments and spans

function moment(iso, now) {
  const at = new Date(iso);
  return at.toDateString() === now.toDateString() ? clockShort.format(at) : dayAndClock.format(at);
}

function span(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  if (minutes) return `${minutes} min`;
  return `${Math.floor(Math.max(ms, 0) / 1000)} s`;
}

// A sentence with its moments as this browser's clock has them.
function plain(sentence, now) {
  return sentence.split(new RegExp(`(${MOMENT.source})`))
    .map((part) => (MOMENT.test(part) ? moment(part, now) : part))
    .join("");
}

// ---- the parts of the board

function showTotals(totals) {
  const list = document.querySelector(".totals");
  fill(list, totals);
  list.querySelector("[data-mark=waiting]").classList.toggle("marked", totals.waiting > 0);
}

function showCampaign(card, campaign, now) {
  fill(card, campaign);
  put(card.querySelector(".pacing dd"), plain(campaign.pacing, now));
  holdHeight(card.querySelector(".pacing"));
  for (const node of card.querySelectorAll(".of-queue")) show(node, campaign.queue !== null);
  card.dataset.tone = campaign.tone;
  const why = card.querySelector(".why ol");
  each(why, campaign.why, (_, index) => index, () => document.createElement("li"),
    (item, reason) => put(item, plain(reason, now)));
  const cures = card.querySelector(".why .commands");
  show(cures, campaign.cures.length > 0);
  commands(cures, campaign.cures);
  holdHeight(card.querySelector(".why"));
  show(card.querySelector(".callbacks"), campaign.callbacks !== null);
  put(card.querySelector(".callbacks dd"), plain(campaign.callbacks ?? "", now));
  put(card.querySelector(".next"), nextOf(campaign, now));
  put(card.querySelector(".lasts"), campaign.lasts_s === null ? "nobody knows" : `${span(campaign.lasts_s * 1000)} at the present pace`);
  const region = card.querySelector(".scroll");
  show(region, campaign.lists.length > 0);
  const label = `Lists of ${campaign.name}`;
  if (region.getAttribute("aria-label") !== label) region.setAttribute("aria-label", label);
  each(card.querySelector("tbody"), campaign.lists, (list) => list.id, () => copyOf("list"), (row, list) => {
    fill(row, { ...list, lasts: list.lasts_s === null ? null : span(list.lasts_s * 1000) });
    show(row.querySelector(".tag"), !list.to_dial);
  });
}

function nextOf(campaign, now) {
  if (campaign.next_at === null) return "nothing by itself";
  const ms = new Date(campaign.next_at) - now;
  if (ms <= 0) return "now";
  return `in ${span(ms)}, at ${moment(campaign.next_at, now)}`;
}

// Reasons come and go; the room that they once took stays theirs, so that what is below does not jump.
function holdHeight(node) {
  const height = node.scrollHeight;
  if (height > (parseFloat(node.style.minHeight) || 0)) node.style.minHeight = `${height}px`;
}

function showAgents(agents) {
  const table = byId("agents");
  const none = agents.every((row) => row.count === 0);
  show(table.tHead, !none);
  show(table.tBodies[0], !none);
  show(table.parentElement.querySelector(".empty"), none);
  each(table.tBodies[0], agents, (row) => row.state, () => copyOf("agent-state"), fill);
}

function showTrunks(trunks) {
  const table = byId("trunks");
  const none = trunks.length === 0;
  show(table.tHead, !none);
  show(table.parentElement.querySelector(".empty"), none);
  each(table.tBodies[0], trunks, (trunk) => trunk.name, () => copyOf("trunk"), (row, trunk) => {
    fill(row, { ...trunk, link: trunk.up ? "up" : "down" });
    row.dataset.tone = trunk.up ? "good" : "bad";
    const meter = row.querySelector("meter");
    meter.max = Math.max(trunk.channels, 1);
    meter.value = trunk.used;
  });
}

function showBoard(board) {
  const now = new Date(board.at);
  fill(byId("engine"), {
    version: board.engine.version,
    uptime: board.engine.started_at ? span(now - new Date(board.engine.started_at)) : "–",
  });
  showTotals(board.totals);
  const none = board.campaigns.length === 0;
  show(byId("no-campaigns"), none);
  if (none) commands(byId("no-campaigns").querySelector(".commands"), board.first_steps);
  each(byId("campaigns"), board.campaigns, (campaign) => campaign.id, () => copyOf("campaign"),
    (card, campaign) => showCampaign(card, campaign, now));
  showAgents(board.agents);
  showTrunks(board.trunks);
  for (const node of document.querySelectorAll("[data-put=doctor]")) put(node, board.doctor);
  show(byId("engine"), board.engine.started_at !== null);
  show(byId("board"), true);
}

// ---- whether what is shown is what goes on

function showNotice(tone, headline, since, cures) {
  const notice = byId("notice");
  show(notice, tone !== "");
  notice.className = `notice ${tone}`;
  put(notice.querySelector(".headline"), headline);
  put(notice.querySelector(".since"), since);
  show(notice.querySelector(".cures"), cures.length > 0);
  commands(notice.querySelector(".cures ul"), cures);
}

function showLink(link, board) {
  const isStale = link.state === "away" || link.state === "slow" || link.state === "lost";
  document.body.classList.toggle("stale", isStale);
  put(document.querySelector("title"), isStale ? "(no answer) dialler board" : "dialler board");
  show(byId("as-of"), board !== null);
  if (board !== null) put(byId("as-of").querySelector("time"), clock.format(new Date(board.known_at)));
  const below = board === null ? "" : ` What is below is of ${clock.format(new Date(board.known_at))}.`;
  const since = link.since ? `Since ${clock.format(new Date(link.since))}.${below} This page goes on by itself once there is an answer.` : "";
  if (link.state === "here") showNotice("", "", "", []);
  else if (link.state === "asked") showNotice("calm", link.said, "", []);
  else if (link.state === "slow") showNotice("warn", link.said, below.trim(), []);
  else showNotice("bad", link.said, since, link.cures);
  speak(link);
}

// Read out only what changes: that there is no answer any more, and that there is one again.
function speak(link) {
  if (link.state === spokenOf) return;
  if (link.state === "here") put(byId("spoken"), spokenOf === null || spokenOf === "asked" ? "" : "The daemon answers again.");
  else if (link.state !== "asked") put(byId("spoken"), link.said);
  spokenOf = link.state;
}

function take(answer) {
  if (edition !== null && answer.edition !== edition) {
    location.reload(); // the files behind this page have changed
    return;
  }
  edition = answer.edition;
  ownCures = answer.own_cures;
  lostAt = null;
  if (answer.totals !== null) {
    known = answer;
    showBoard(answer);
  }
  showLink(answer.link, known);
}

function lose() {
  lostAt = lostAt ?? new Date();
  const saidOf = "This page's own server gives no answer. Where there is a sign-in, load the page again.";
  showLink({ state: "lost", said: saidOf, since: lostAt, cures: ownCures }, known);
}

async function follow() {
  clearTimeout(timer);
  if (document.hidden) return; // nobody looks; `visibilitychange` goes on
  try {
    const answer = await fetch("board.json", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    take(await answer.json());
  } catch (error) {
    console.info("board:", String(error));
    lose();
  } finally {
    clearTimeout(timer);
    timer = setTimeout(follow, EVERY_MS);
  }
}

put(byId("zone"), Intl.DateTimeFormat().resolvedOptions().timeZone);
document.addEventListener("visibilitychange", () => document.hidden || follow());
addEventListener("resize", () => {
  for (const node of document.querySelectorAll(".why, .pacing")) node.style.minHeight = "";
});
follow();
