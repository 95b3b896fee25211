"""The three stages: ingest decodes and judges, accept decides once per id, accumulate adds to what is known."""
