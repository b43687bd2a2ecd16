"""Sampling plans: drafted by inspectors, frozen at submission, approved by a leader.

``records`` reads them, ``write`` changes them, ``basis`` makes what is frozen, ``preview``
says beforehand what a plan would give, ``rosters`` whether teams can be found for it.
"""
