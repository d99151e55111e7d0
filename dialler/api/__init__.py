"""The HTTP API: the one way in.

The daemon serves it on a unix socket and, when told to, on TCP; the CLI and the supervisors' pages are its
clients. With no daemon running the CLI serves the same application to itself, on the same records, so no
rule is written twice. `desk` is what the routes work with, `routes` makes the application, `serving`
puts it on sockets; there is one module of routes for each noun.

Control is desired state: a request that changes something writes what is wanted, and who wanted it, in one
transaction; then it waits until the engine, where one runs, follows, and answers with what is now true.

Answers: times are ISO 8601 with offset; pages have `items` and `next`, to be given back as `after`, None at
the end. Errors are `{"error": text, "kind": one of errors.KINDS}`, with the mistakes listed where there are several.
"""
