//go:build modules

package main

// The header of the C API comes from this module, and nothing else does.
import _ "github.com/yalue/onnxruntime_go"
