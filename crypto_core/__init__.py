"""Keys, envelopes and chains. Knows nobody."""
