"""The demo city: an invented place, made from a seed and a date, nothing in it real.

``plane`` → ``names`` → ``land`` → ``roads`` → ``waters`` → ``schools`` → ``surroundings``
→ ``patrol`` → ``history`` generate columns; ``writer`` stores them; ``build`` is the use case.
"""
