"""From a lead file to leads: `import_leads` (in `run`) is the way in.

The bytes of a file arrive in chunks, from whoever holds it; nothing here opens a path that a user named. They
become text (`text`), rows (`rows`), cells with a meaning (`mapping`), checked leads (`checking`, with `phones` and
`zone_rules`) and at last records (`writing`), a thousand at a time, while the engine keeps dialling.

- What is wrong with the file as a whole (a column that is not there, a spreadsheet instead of text) is found before
  the first lead is written: ImportRefused, and nothing was.
- What is wrong with a row rejects that row alone. Rejected rows can be written out as CSV, and be fed in again.
- An import that is cut off in the middle keeps the batches that it had written. Run again it updates the leads that
  have a customer key; those that have none are loaded once more, and reported as repeated numbers.
- Memory does not grow with the file; only a trial run, and an update of a list that has leads already, remember the
  numbers they have seen (70 MB for each million).
"""
