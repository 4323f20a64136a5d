// Kubernetes tests
