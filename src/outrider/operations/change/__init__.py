"""What people do to a service: plan, deploy, go back, scale, stop; a verb never imports another one for its parts."""
