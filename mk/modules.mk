modules:
