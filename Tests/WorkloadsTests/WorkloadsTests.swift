// Workloads tests
