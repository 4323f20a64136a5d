// Gym tests
