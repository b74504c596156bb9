"""What the figures come from: ours and the peer in the same run, one line of JSON each."""
