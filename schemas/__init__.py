"""The words: the event and how it is decoded, the fact the computation sees, the rows that leave. Pure."""
