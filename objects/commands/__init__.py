"""Commands: one registry from which every surface takes parsing, help, forms, schemas and checks."""
