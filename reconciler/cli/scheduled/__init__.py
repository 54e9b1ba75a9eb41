"""What `reconcile` is wired of: its options, its log, signals, one run, what is told of it, and the loop."""
