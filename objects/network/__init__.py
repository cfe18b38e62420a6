"""The way out of Grove: what a team's code reaches goes through `guard`, HTTP through `client`."""
