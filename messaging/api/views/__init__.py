"""The endpoints, a file for each group: parse, authorise, call one service, render."""
