"""What carries a deployment to its verdict: one task each, followed, taken up again, and gone back from."""
