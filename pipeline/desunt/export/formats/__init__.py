"""One file or folder a format; the table is in desunt.export."""
