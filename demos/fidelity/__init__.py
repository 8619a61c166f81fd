"""How much demonstrations look like recordings of real people on real robots: twelve statistics, without any scale."""
