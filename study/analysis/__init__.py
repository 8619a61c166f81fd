"""From rows to answers: statistics, curves, laws, forecasts."""
