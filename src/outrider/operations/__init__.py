"""What we do with services: plan, deploy, roll back, scale, stop, look; effects only through the protocols in ports."""
