"""Destinations that are one YAML file each, and what makes them out of it (docs/declare-a-destination.md)."""
