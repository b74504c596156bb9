"""What cleanup removes, and what it leaves."""
