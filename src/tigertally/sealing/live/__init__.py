"""Live tables: databases in use, read by their primary key and, when somebody asks for that, rewritten in place.

Discovery only reads; these rooms are the only ones that write to somebody else's database.
"""
