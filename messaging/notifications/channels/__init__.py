"""The channels, one file each; none knows another."""
