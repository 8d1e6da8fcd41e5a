"""What was found of a system's capacity as one page for people, with pictures drawn here."""
