"""The edge to sockets: conversation groups, cursors and the frames of /ws/v1."""
