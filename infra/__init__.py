"""What juice runs on: settings, clock, telemetry, the local stack, migrations. Nothing of the domain."""
