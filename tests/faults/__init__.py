"""What the system loses and doubles when parts of it are killed: nothing."""
