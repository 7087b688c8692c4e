package train

import (
	"maps"
	"slices"
)

// Recipes are named sets of options, by flag. What a recipe does not name has its default; what the command line names wins.
var Recipes = map[string]map[string]string{
	"report": {}, // the defaults are the report's final run
	"fast": {
		"activation": "relu", "optimizer": "sgd", "momentum": "0.9", "nesterov": "true", "weight-decay": "0.0005",
		"epochs": "3", "batch-size": "128", "lr": "0.07", "schedule": "onecycle", "augment": "shift=1",
	},
}

func recipeNames() []string { return slices.Sorted(maps.Keys(Recipes)) }
