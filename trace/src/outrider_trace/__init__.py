"""Trace headers carried through an application: what comes in on a request goes out on the calls it makes."""
