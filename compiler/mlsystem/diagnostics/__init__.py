"""What is wrong in the user's file: codes, the report that collects them, and how they are shown."""
