"""What was last applied to an environment, how far an apply got, and who is applying now. The compiler's side only."""
