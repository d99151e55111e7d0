"""The records: campaigns, lists, leads, sessions, on SQLite, on PostgreSQL or in memory.

One schema and one body of SQL (`schema`, `records` and its parts) serve all three; `dialler.ports.Store` is
what they promise. SQLAlchemy connects and migrates; statements go straight to the driver (`link`). All writing goes
through one connection in one thread (`writer`), which commits whatever has gathered while the disk was busy (`group`):
a work is acknowledged when its commit is durable, a work that fails is undone alone, and if the commit fails nothing
of its group was kept. The counts of leads by bucket and state, and of sessions by list and outcome, are kept in the
same transactions (`transaction`) and verified by `check`.

For SQLite the right to write is a lock beside the file (`lock`), and readers open it read-only. The schema is made
and changed by `upgrade`; `open_store` refuses one that is not of this version.
"""
