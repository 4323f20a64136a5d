// Randomness tests
