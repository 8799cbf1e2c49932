"""The emulator rp2040js, driven through Node: ``machine`` here, ``server.js`` on the other side."""
