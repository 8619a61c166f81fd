"""What stands, lies and moves in a scene: parts, fixtures, furniture, machines, goods, traffic."""
