"""The facility `browser` and the kind that puts its commands in front. A module each for what belongs together."""
