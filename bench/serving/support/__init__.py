"""What the benches of the server share: peers, our own server, load, and what a process tree costs."""
