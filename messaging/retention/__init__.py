"""What is removed after its time, a rule a file: drop in a Strategy and it can be run."""
