"""The terminal: a shell on every object, over a WebSocket, SSH, or on the machine itself."""
