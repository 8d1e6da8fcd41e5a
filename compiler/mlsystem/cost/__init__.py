"""What a system costs: prices with their source and date, and what follows from them."""
