"""What people can do: each function is one use case, one transaction, one verb."""
