"""The composition root: settings and platform become clients, stores, operations, and the application over them."""
