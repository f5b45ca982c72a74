"""What is looked for on the page beside the words: blots, faded and missed text, handwriting, redactions."""
