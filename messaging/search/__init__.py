"""The blind index: written by the indexing step, asked by the search service."""
