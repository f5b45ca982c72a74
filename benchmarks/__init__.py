"""Benchmarks and long trials: run as modules, never part of the tests."""
