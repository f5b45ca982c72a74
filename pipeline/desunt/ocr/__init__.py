"""Pixels to words with a calibrated legibility: preprocessing, engines, layout, confidence."""
