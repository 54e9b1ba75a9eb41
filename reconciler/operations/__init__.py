"""Operations: the use cases of the package, callable from Python."""
