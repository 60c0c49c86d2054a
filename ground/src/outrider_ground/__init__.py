"""What every server of ours stands on: errors for people, private files, and how requests from the network are met."""
