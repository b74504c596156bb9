"""Those who carry notifications outside, a file each; none knows another, and none knows people."""
