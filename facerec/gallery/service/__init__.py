"""The operations of the API, each one function of its parts; both protocols call these."""
