"""Runs code that nobody trusts, in processes that can reach nothing; README.md tells how.

It knows neither notebooks nor courses. ``Sandbox`` is all that its users need.
"""
