"""What holds for every request before an application sees it: who may come in, how much, and for how long."""
