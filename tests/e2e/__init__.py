"""The whole system, deployed to an emulator of AWS by its own template; see ``make e2e``."""
