"""What is done to a cluster while it is used, a function for each kind of fault: whether there was anything to do it to."""
