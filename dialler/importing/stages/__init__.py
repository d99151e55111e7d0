"""An import in stages, each kept in the records: file, mapping, check, review, run.

Rows wait in the records between the stages. Each stage works through them in batches, and a batch is one transaction
together with the cursor that says how far the stage is: killed at any instant, the stage goes on behind the last
batch, and no row is loaded twice or lost. Whoever works takes the import's own row first and looks whether it is still
at his stage; so a cancellation ends the work at the next batch, and two who work on one import do no harm.
"""
