"""The add-ons that Outrider brings, as files; operators override and extend them (``addons`` of the platform)."""
