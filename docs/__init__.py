"""The book, and the code that makes it."""
