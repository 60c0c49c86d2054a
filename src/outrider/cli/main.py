"""The program `outrider`: its group and the way in."""

from __future__ import annotations

from typing import NoReturn

import click

from outrider.cli.verbs import VerbGroup


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="outrider", message="%(prog)s %(version)s")
def outrider() -> None:
    """A service mesh for Nomad and Consul, without a central control plane.

    A service's part of the mesh is rendered when that service is deployed, and changes with it alone.
    Start with `outrider dev --demo`, or with `outrider validate outrider.yaml`.
    """


def main() -> NoReturn:
    """Run the command line of this process."""
    outrider.main(prog_name="outrider")
