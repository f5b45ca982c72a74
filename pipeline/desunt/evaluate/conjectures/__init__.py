"""How often conjectures are right: gaps cut from texts, and editors' readings."""
