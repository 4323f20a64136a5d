// LinearAlgebra tests
