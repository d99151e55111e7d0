"""From a lead file to leads: `stages` has them one by one, `import_leads` (in `run`) is all of them in a row.

The bytes of a file arrive in chunks, from whoever holds it; nothing here opens a path that a user named. They
become text (`text`), rows (`rows`), cells with a meaning (`mapping`), checked leads (`checking`, with `phones` and
`zone_rules`) and at last records, some hundred at a time, while the engine keeps dialling.

- What is wrong with the file as a whole (a column that is not there, a spreadsheet instead of text) is found before
  its rows are read: ImportRefused, and nothing was loaded.
- What is wrong with a row rejects that row alone. Rejected rows can be written out as CSV, and be fed in again.
- An import that is cut off while its file arrives leaves nothing. Once the file is there, it goes on where it was,
  however often it is killed (`going_on`), and loads no row twice.
- A trial run is an import that is cancelled after its review.
- Memory grows with the file by what a check and a review remember: a hash of each number and customer key.
"""
