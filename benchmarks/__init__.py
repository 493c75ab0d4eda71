"""Measurements of the parts that must be fast or right, and the generator of their data.

A benchmark is a module of this package with a `BENCHMARK` (see figures.py); nothing else
registers it.
"""
