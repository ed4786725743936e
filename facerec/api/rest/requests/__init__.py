"""What REST requests hold: parameters, and bodies by the routes that take them."""
