package savedmodel_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ctr-operator/ctr-operator/runtime/format/savedmodel"
)

func ExampleRead() {
	// A root keeps what a model names within its folder.
	root, err := os.OpenRoot("../../../test/testdata/widedeep/savedmodel")
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	model, err := savedmodel.Read(context.Background(), root.FS(), savedmodel.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Signature)
	for _, input := range model.Graph.Inputs {
		fmt.Println(input.Name, input.DType, input.Shape)
	}
	// Output:
	// serving_default
	// deep float32 [-1 4]
	// doc_hash int32 [-1 1]
	// position_group int32 [-1 1]
	// query_hash int32 [-1 1]
	// wide float32 [-1 3]
}
