"""How many misread words come back from the candidates."""
