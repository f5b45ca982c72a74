"""desunt's version, in a file of its own: nobody below imports the package's face for it."""

__version__ = "0.2.0"
