"""What operators see of teams' objects and of the work that they start: that it is there, not what it holds."""
