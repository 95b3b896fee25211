"""What runs in a peer's own process: one program each, with the standard library and that peer's packages."""
