"""The live board: what is it doing, and why is it not doing more, as a page.

A process of its own, `dialler web`, and a client of the HTTP API: it asks the daemon over its unix socket, as any
command does, and knows nothing of the engine and the records. It needs no daemon to start, and outlives its restarts.

* `upstream` - asks the daemon, within a time limit; `answers` - what of the answer the board needs.
* `watch` - remembers the last answer. The daemon is asked only while somebody looks, and at most once a second however
  many pages are open.
* `board` - what a page shows, in words: pure.
* `site`, `door` - the page's files and its JSON over HTTP; who may ask, and what browsers are told about safety.
* `process` - `dialler web` itself.
* `static` - HTML, CSS and JavaScript, as they are.

The page fetches `board.json` each second. Without an answer it keeps what it last knew, dims it, and says since when
and what to do.
"""
