"""The demo's page: both phones, and what happens behind them, in a browser on this machine."""
