"""Sealed rounds: prepare → commit → value → departure → reveal → publish (DRAW.md §5).

Nothing outside this package reads what a round holds between departure and reveal.
"""
