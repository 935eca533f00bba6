// Command ort runs a network in ONNX Runtime, by its C API, for hack/bench/engine. It is a module of its own, so that the
// product stays free of C. The loop over the runs is in C, too: nothing but the library is timed.
//
//	ort LIBRARY MODEL INPUTS EXAMPLES BATCH THREADS
//
// Each line of the standard input is a number of runs; the answer is how many nanoseconds they took, and the last result's
// first value. The first line that is printed says the library's version.
package main

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "ort.h"
import "C"

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ort:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 6 {
		return errors.New("usage: ort LIBRARY MODEL INPUTS EXAMPLES BATCH THREADS")
	}
	var numbers [3]int
	for i := range numbers {
		n, err := strconv.Atoi(args[3+i])
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	network, err := open(args[0], args[1], args[2], numbers[0], numbers[1], numbers[2])
	if err != nil {
		return err
	}
	fmt.Println("ONNX Runtime", C.GoString(C.network_version(network)))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		runs, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		var nanoseconds C.int64_t
		var first C.float
		if err := failure(C.network_run(network, C.int64_t(runs), &nanoseconds, &first)); err != nil {
			return err
		}
		fmt.Println(int64(nanoseconds), float32(first))
	}
	return nil
}

// open loads the network and its inputs.
func open(library, model, inputs string, examples, batch, threads int) (*C.network, error) {
	cLibrary, cModel := C.CString(library), C.CString(model)
	defer C.free(unsafe.Pointer(cLibrary))
	defer C.free(unsafe.Pointer(cModel))
	var message *C.char
	network := C.network_open(cLibrary, cModel, C.int(threads), &message)
	if network == nil {
		return nil, failure(message)
	}
	content, err := os.ReadFile(inputs)
	if err != nil {
		return nil, err
	}
	values := C.CBytes(content)
	return network, failure(C.network_batch(network, (*C.char)(values), C.int64_t(len(content)), C.int64_t(examples), C.int64_t(batch)))
}

// failure is the error of a message that is to be freed, and no error where there is none.
func failure(message *C.char) error {
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	return errors.New(C.GoString(message))
}
