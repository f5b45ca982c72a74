"""How well pages are read, plain Tesseract beside it."""
