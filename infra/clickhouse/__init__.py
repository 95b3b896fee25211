"""Numbered migrations: SQL that the declarations of `schemas.rows` do not cover, in order, each statement idempotent."""
