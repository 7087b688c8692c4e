package train

import (
	"maps"
	"slices"
)

// Recipes are named sets of options, by flag. What a recipe does not name has its default; what the command line names wins.
var Recipes = map[string]map[string]string{
	"report": {}, // the defaults are the report's final run
	"fast": {
		"activation": "relu", "optimizer": "sgd", "momentum": "0.9", "nesterov": "true", "weight-decay": "0.001", "label-smoothing": "0.05",
		"epochs": "1", "batch-size": "64", "lr": "0.15", "schedule": "onecycle", "augment": "shift=1",
	},
	"accurate": {
		"activation": "relu", "optimizer": "sgd", "momentum": "0.9", "nesterov": "true", "weight-decay": "0.0005", "label-smoothing": "0.05",
		"epochs": "12", "batch-size": "64", "lr": "0.1", "schedule": "onecycle", "augment": "shift=1.5,rotate=10,scale=0.1",
	},
}

func recipeNames() []string { return slices.Sorted(maps.Keys(Recipes)) }
