"""A document's record: facts, opinions and decisions as values, and the files of its folder."""
