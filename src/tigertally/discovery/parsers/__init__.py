"""Parsers of other people's formats, run in a child process: a crash, a leak or a loop there ends there.

``__main__`` is the child; ``frames`` is what it says; one room for each library. Nothing here decides what a
value is: the child turns a file into text, columns and members, and the parent judges them.
"""
