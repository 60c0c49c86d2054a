"""What people see of services: status, history, endpoints, graph and logs; nothing is changed here."""
