"""How likely each word is read rightly, and which of two engines' readings stands."""
