"""What people look at: the report, its figures and phrases, tables and pictures."""
