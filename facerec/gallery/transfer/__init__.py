"""Files of exports, and data of imports."""
