"""What a user names, and which documents that makes: files, folders, archives, catalogues."""
