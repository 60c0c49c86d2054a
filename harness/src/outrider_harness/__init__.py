"""What tests and benches share: processes, servers and portals that end with the block that started them."""
