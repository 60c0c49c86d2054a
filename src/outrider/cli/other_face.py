"""The one place where the command line meets the portal: it starts it by name, and knows nothing of its inside.

Faces never import each other; this also keeps FastAPI out of every verb that does not serve.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import cast

from starlette.types import ASGIApp

from outrider.operations.application import Application

APP, PAGES = "outrider.portal.app", "outrider.portal.pages"


def web_portal(application: Application, hosts: Iterable[str] = ()) -> ASGIApp:
    """The portal over an application: its API and its pages; ``hosts`` are further names under which it is asked."""
    app, pages = importlib.import_module(APP), importlib.import_module(PAGES)
    return cast("ASGIApp", app.portal_app(application, pages.pages(application), hosts=hosts))
