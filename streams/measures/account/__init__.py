"""What is measured of an account. One measure, one file; `catalogue` finds them all."""
