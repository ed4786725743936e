"""The operations of ``Gallery``, by what they concern."""
