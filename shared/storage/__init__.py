"""What is kept: rows in PostgreSQL, files in object storage."""
