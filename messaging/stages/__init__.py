"""The steps of a message's life, one file each; none knows another."""
