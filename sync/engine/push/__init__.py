"""Sending what a plan says, and writing down what was taken."""
