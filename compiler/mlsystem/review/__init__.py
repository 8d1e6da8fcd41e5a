"""A change on its way: a plan in a pull request, what a merge carries out of it, and what drifted since."""
