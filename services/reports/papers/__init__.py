"""Printed papers: facts in, PDF bytes out; templates beside, one font of our own."""
