// Baselines tests
