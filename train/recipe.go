package train

// Recipes are named sets of options, by flag. What a recipe does not name has its default; what the command line names wins.
var Recipes = map[string]map[string]string{
	"report": {}, // the defaults are the report's final run
	"fast": {
		"epochs": "4", "batch-size": "128", "activation": "relu", "optimizer": "sgd", "momentum": "0.9", "nesterov": "true",
		"lr": "0.1", "schedule": "onecycle", "weight-decay": "0.0005",
	},
	"accurate": {
		"epochs": "18", "batch-size": "128", "activation": "relu", "optimizer": "sgd", "momentum": "0.9", "nesterov": "true",
		"lr": "0.1", "schedule": "onecycle", "weight-decay": "0.0005", "augment": "shift,rotate,scale",
	},
}
