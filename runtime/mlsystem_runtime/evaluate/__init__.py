"""How good a model is: metrics, slices, a shadow baseline, the champion, and the gates that decide."""
