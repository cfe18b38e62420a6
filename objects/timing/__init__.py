"""Time: what is due and when. The index of it, the dispatcher that hands it over, and the texts of schedules."""
