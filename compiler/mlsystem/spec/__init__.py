"""What the user wrote, typed: one file per section of the language."""
