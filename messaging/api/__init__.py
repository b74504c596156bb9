"""The REST edge: parse, authorise, call one service, render."""
