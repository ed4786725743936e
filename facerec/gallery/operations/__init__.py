"""The operations of ``Gallery``, one module for each subject."""
