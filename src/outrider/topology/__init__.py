"""What a spec resolves to in one environment: names, ports, upstreams, sidecar; knows no foreign format."""
