package hdf5_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ctr-operator/ctr-operator/runtime/format/hdf5"
)

// Keras keeps a layer's weights under the names that attributes list.
func Example() {
	in, err := os.Open("../../../test/testdata/hdf5/keras3.h5")
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		log.Fatal(err)
	}
	file, err := hdf5.Open(in, info.Size(), hdf5.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	if err := printWeights(context.Background(), file, "dense"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// dense/kernel [8 4] float32, 32 elements
	// dense/bias [4] float32, 4 elements
}

func printWeights(ctx context.Context, file *hdf5.File, name string) error {
	layer, err := file.Root().Group("model_weights/" + name)
	if err != nil {
		return err
	}
	list, err := layer.Attribute("weight_names")
	if err != nil {
		return err
	}
	weights, err := list.Strings()
	if err != nil {
		return err
	}
	for _, weight := range weights {
		dataset, err := layer.Dataset(weight)
		if err != nil {
			return err
		}
		values := make([]float32, dataset.Len())
		if err := dataset.ReadFloat32(ctx, values); err != nil {
			return err
		}
		fmt.Printf("%s %v %s, %d elements\n", weight, dataset.Shape(), dataset.Type(), len(values))
	}
	return nil
}
