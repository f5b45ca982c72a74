"""The benchmarks: how well pages are read, and how often conjectures are right."""
