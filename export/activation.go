package export

import "math"

// activations add the operators of an activation to a graph: each takes the name of a value x, which it puts before those that it makes, and
// returns the name of f(x).
var activations = map[string]func(g *graph, x string) string{
	"sigmoid": operator("Sigmoid"),
	"tanh":    operator("Tanh"),
	"relu":    operator("Relu"),
	"gelu":    gelu,
}

// operator returns the activation that is one operator.
func operator(name string) func(*graph, string) string {
	return func(g *graph, x string) string { return g.node(name, x+".activation", []string{x}) }
}

// gelu is x (1 + erf(x/√2)) / 2. ONNX has an operator Gelu since version 20 of its operators.
func gelu(g *graph, x string) string {
	of := func(operator, part string, inputs ...string) string { return g.node(operator, x+"."+part, inputs) }
	erf := of("Erf", "erf", of("Mul", "scaled", x, g.constant(x+".root", math.Sqrt2/2)))
	return of("Mul", "activation", of("Mul", "half", x, g.constant(x+".0.5", 0.5)), of("Add", "sum", erf, g.constant(x+".1", 1)))
}
