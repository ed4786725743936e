"""Models of REST requests: parameters, and bodies by the routes that accept them."""
