"""Plain pages: a team's tree, an object, a form for each of its commands. They work without JavaScript first."""
