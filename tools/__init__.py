"""Scripts that make the sample, the schemas and the pictures of the documentation."""
