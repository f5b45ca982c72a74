"""The proofs behind `desunt verify`: of a document's folder, its manifest, its exports and its scans."""
