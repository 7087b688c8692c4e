// Command classify says which digit a picture shows: lenet in a program of one's own.
package main

import (
	"context"
	"fmt"
	"image"
	_ "image/png" // the pictures that it reads
	"log"
	"os"

	"lenet/predict"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: classify RUN PICTURE.png")
	}
	if err := classify(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func classify(run, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	picture, _, err := image.Decode(file)
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
	class, err := classifier.Classify(context.Background(), picture)
	if err != nil {
		return err
	}
	fmt.Printf("%d, %.1f %%\n", class.Predicted, 100*class.Probability())
	return nil
}
