package pickle

// Standing is what a caller thinks of a class that a pickle names.
type Standing uint8

const (
	// Foreign names are refused as unsafe.
	Foreign Standing = iota
	// Welcome classes become Objects.
	Welcome
	// Inert classes become Objects, too, and may be given arguments, which are kept and mean nothing.
	Inert
	// Mentioned names may be referred to, and are never called: functions that an estimator was given in training.
	Mentioned
	// Known classes are refused as unsupported, with the caller's advice.
	Known
)

// Classes decides about a name that is not in the reader's own list. The advice completes the message of a refusal.
type Classes func(module, name string) (standing Standing, advice string)

// effect is what a listed global does when it is called. The zero effect is never called.
type effect uint8

const (
	effectNone effect = iota
	// effectObject makes an Object; only without arguments, because a constructor could do anything with them.
	effectObject
	// effectOpaque makes an Object from any arguments: its class is known, and of no interest to any reader.
	effectOpaque
	effectReconstruct
	effectFromBuffer
	effectScalar
	effectDType
	effectEncode
	effectReconstructor
	effectNewObject
	effectSlice
	effectOrderedDict
	effectSet
	effectBytes
	// effectArrayWrapper makes an array that is read from the stream.
	effectArrayWrapper
)

type global struct{ module, name string }

// listed is the closed list: every global whose effect the reader knows. Modules were renamed by numpy 2 (numpy.core to
// numpy._core), and CPython writes the module names of Python 2 up to protocol 2.
var listed = map[global]effect{
	{"numpy.core.multiarray", "_reconstruct"}:                     effectReconstruct,
	{"numpy._core.multiarray", "_reconstruct"}:                    effectReconstruct,
	{"numpy.core.multiarray", "scalar"}:                           effectScalar,
	{"numpy._core.multiarray", "scalar"}:                          effectScalar,
	{"numpy.core.numeric", "_frombuffer"}:                         effectFromBuffer,
	{"numpy._core.numeric", "_frombuffer"}:                        effectFromBuffer,
	{"numpy", "ndarray"}:                                          effectNone,
	{"numpy", "dtype"}:                                            effectDType,
	{"numpy.random._pickle", "__randomstate_ctor"}:                effectOpaque,
	{"numpy.random._pickle", "__bit_generator_ctor"}:              effectOpaque,
	{"numpy.random._mt19937", "MT19937"}:                          effectNone,
	{"numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"}: effectOpaque,
	{"numpy.random.bit_generator", "SeedSequence"}:                effectNone,
	{"_codecs", "encode"}:                                         effectEncode,
	{"copyreg", "_reconstructor"}:                                 effectReconstructor,
	{"copy_reg", "_reconstructor"}:                                effectReconstructor,
	{"copyreg", "__newobj__"}:                                     effectNewObject,
	{"copy_reg", "__newobj__"}:                                    effectNewObject,
	{"builtins", "object"}:                                        effectNone,
	{"__builtin__", "object"}:                                     effectNone,
	{"builtins", "slice"}:                                         effectSlice,
	{"__builtin__", "slice"}:                                      effectSlice,
	{"builtins", "set"}:                                           effectSet,
	{"__builtin__", "set"}:                                        effectSet,
	{"builtins", "frozenset"}:                                     effectSet,
	{"__builtin__", "frozenset"}:                                  effectSet,
	{"builtins", "bytearray"}:                                     effectBytes,
	{"__builtin__", "bytearray"}:                                  effectBytes,
	{"builtins", "bytes"}:                                         effectBytes,
	{"__builtin__", "bytes"}:                                      effectBytes,
	{"collections", "OrderedDict"}:                                effectOrderedDict,
	{"joblib.numpy_pickle", "NumpyArrayWrapper"}:                  effectArrayWrapper,
	{"numpy", "float64"}:                                          effectNone,
	{"numpy", "float32"}:                                          effectNone,
	{"numpy", "float16"}:                                          effectNone,
	{"numpy", "int64"}:                                            effectNone,
	{"numpy", "int32"}:                                            effectNone,
	{"numpy", "int16"}:                                            effectNone,
	{"numpy", "int8"}:                                             effectNone,
	{"numpy", "uint64"}:                                           effectNone,
	{"numpy", "uint32"}:                                           effectNone,
	{"numpy", "uint16"}:                                           effectNone,
	{"numpy", "uint8"}:                                            effectNone,
	{"numpy", "bool_"}:                                            effectNone,
	{"numpy", "bool"}:                                             effectNone,
	{"numpy", "str_"}:                                             effectNone,
	{"numpy", "object_"}:                                          effectNone,
	{"numpy", "number"}:                                           effectNone,
	{"numpy", "integer"}:                                          effectNone,
	{"numpy", "floating"}:                                         effectNone,
	{"builtins", "int"}:                                           effectNone,
	{"builtins", "float"}:                                         effectNone,
	{"builtins", "bool"}:                                          effectNone,
	{"builtins", "str"}:                                           effectNone,
	{"__builtin__", "int"}:                                        effectNone,
	{"__builtin__", "float"}:                                      effectNone,
	{"__builtin__", "bool"}:                                       effectNone,
	{"__builtin__", "str"}:                                        effectNone,
	{"numpy.ma.core", "_mareconstruct"}:                           effectOpaque,
	{"numpy.ma.core", "MaskedArray"}:                              effectNone,
	{"numpy.ma", "MaskedArray"}:                                   effectNone,
	{"pandas.core.indexes.base", "_new_Index"}:                    effectOpaque,
	{"pandas.core.indexes.base", "Index"}:                         effectNone,
	{"pandas.core.indexes.range", "RangeIndex"}:                   effectNone,
	{"pandas.core.indexes.numeric", "Int64Index"}:                 effectNone,
	{"pandas", "Index"}:                                           effectNone,
	{"pandas", "RangeIndex"}:                                      effectNone,
	{"pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"}:       effectOpaque,
	{"pandas.arrays", "StringArray"}:                              effectNone,
	{"pandas.core.arrays.string_", "StringArray"}:                 effectNone,
	{"pandas", "StringDtype"}:                                     effectOpaque,
	{"pandas.core.arrays.string_", "StringDtype"}:                 effectOpaque,
}
