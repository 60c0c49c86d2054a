"""Nomad's job format written, as pure functions of a topology; one file per noun of Nomad's."""
