"""Small mistakes in the product, kept: each with the promise that it breaks, and a scenario that shows it.

A mistake is a patch by meaning: it names a function and what is replaced in it, so that it survives moves of files. It is made as
the module is imported, in a process of its own, so that no name that was imported elsewhere keeps the sound function.
"""
