"""Fabricated raw data of a company with a shop, an app and business customers, and its truth.

Everything follows from a seed, and ends at `END`: the same arguments give the same bytes. People
are drawn once (people.py); each module named after a source then writes down what that source knows
of them, as messily as sources do (noise.py). Which record is whom is kept aside as the truth.
"""
