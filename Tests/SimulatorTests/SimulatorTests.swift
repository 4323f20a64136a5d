// Simulator tests
