"""What a person may write in a study, a dataset or a method, and the reading of it.

`models` says what may be written, key by key; `load` finds a study and lays one file over another; `references` checks
the names that entries use of each other; `readiness` checks what needs the methods themselves; `lookups` answers what
the rest of the package asks of a study that was read. The manual's reference and the schema for editors are written by
``python -m spnet.config.reference``.
"""
