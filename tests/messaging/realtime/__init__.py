"""The socket: layer, cursors, frames, and whole sockets on real servers."""
