"""Nomad's job format, as pure functions of a topology; one file per noun of Nomad's."""
