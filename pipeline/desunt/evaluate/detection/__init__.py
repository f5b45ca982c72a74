"""How well misread words are found."""
