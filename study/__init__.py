"""The science: cells, evaluation, statistics, laws, report."""
