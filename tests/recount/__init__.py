"""Everything the stream computes, computed a second time: from the accepted events alone, by the formulas in docs/, and slowly.

Nothing here imports what it recounts (`streams.measures`, `streams.subjects`, `streams.campaigns`); where figures of the product
are documented, they are written again. Few logs are tried, always the same ones; `RECOUNT_SEEDS=500` tries so many.
"""
