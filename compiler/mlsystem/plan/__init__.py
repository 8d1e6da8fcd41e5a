"""What will change, why, and with which consequence: pure data, printed, saved, and carried out from the same value."""
