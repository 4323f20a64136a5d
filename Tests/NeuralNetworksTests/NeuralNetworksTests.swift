// NeuralNetworks tests
