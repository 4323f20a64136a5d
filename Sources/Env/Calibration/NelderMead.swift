/// The downhill simplex method (Nelder and Mead, "A simplex method for function minimization", The Computer Journal 7,
/// 1965), with the coefficients of Gao and Han (2012), which adapt to the dimension.
package struct NelderMead {
    /// Evaluations after which it stops.
    package var evaluations = 2000
    /// Difference between the best and the worst vertex at which it stops.
    package var tolerance = 1e-9

    /// 2,000 evaluations at most.
    package init(evaluations: Int = 2000) { self.evaluations = evaluations }

    /// Minimises `function` from `start`, whose first simplex has an edge of `step` along each axis.
    package func minimum(
        from start: [Double], step: Double, of function: ([Double]) -> Double
    ) -> (point: [Double], value: Double) {
        let count = start.count
        let dimension = Double(count)
        let (expansion, contraction, shrinkage) = (1 + 2 / dimension, 0.75 - 0.5 / dimension, 1 - 1 / dimension)
        var calls = 0
        func evaluate(_ point: [Double]) -> Double {
            calls += 1
            return function(point)
        }
        var simplex = [(point: start, value: evaluate(start))]
        for axis in 0..<count {
            var point = start
            point[axis] += step
            simplex.append((point, evaluate(point)))
        }
        while calls < evaluations {
            simplex.sort { $0.value < $1.value }
            let (best, worst) = (simplex[0], simplex[count])
            if worst.value - best.value < tolerance { break }
            var centre = [Double](repeating: 0, count: count)
            for vertex in simplex.dropLast() {
                for axis in 0..<count { centre[axis] += vertex.point[axis] / dimension }
            }
            func along(_ factor: Double) -> [Double] {
                (0..<count).map { centre[$0] + factor * (worst.point[$0] - centre[$0]) }
            }
            let reflected = along(-1)
            let value = evaluate(reflected)
            if value < best.value {
                let expanded = along(-expansion)
                let further = evaluate(expanded)
                simplex[count] = further < value ? (expanded, further) : (reflected, value)
            } else if value < simplex[count - 1].value {
                simplex[count] = (reflected, value)
            } else {
                let point = along(value < worst.value ? -contraction : contraction)
                let nearer = evaluate(point)
                if nearer < min(value, worst.value) {
                    simplex[count] = (point, nearer)
                } else {
                    for vertex in 1...count {
                        let point = (0..<count).map {
                            best.point[$0] + shrinkage * (simplex[vertex].point[$0] - best.point[$0])
                        }
                        simplex[vertex] = (point, evaluate(point))
                    }
                }
            }
        }
        simplex.sort { $0.value < $1.value }
        return simplex[0]
    }
}
