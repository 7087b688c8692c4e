// Command classify says which digit a picture shows: lenet in a program of one's own.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"lenet/picture"
	"lenet/predict"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: classify RUN PICTURE")
	}
	if err := classify(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func classify(run, path string) error {
	digit, err := picture.Open(path)
	if err != nil {
		return err
	}
	options := predict.Defaults()
	options.Model = run
	classifier, err := predict.NewClassifier(context.Background(), options, func(string) {})
	if err != nil {
		return err
	}
	defer classifier.Close()
	class, err := classifier.Classify(context.Background(), digit)
	if err != nil {
		return err
	}
	fmt.Printf("%d, %.1f %%\n", class.Predicted, 100*class.Probability())
	return nil
}
