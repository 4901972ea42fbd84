"""Files of the processors, sealed to them.

``catalogue`` (what each takes, as data), ``lines`` (records as its lines, and what it would refuse), ``export``
(sealed, or rehearsed), ``answers`` (which new id stands for which old one).
"""
