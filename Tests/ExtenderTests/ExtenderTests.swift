// Extender tests
