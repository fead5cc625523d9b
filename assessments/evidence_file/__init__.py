"""Reading a file of evidence: columns, words and numbers, and what they name in a district."""
