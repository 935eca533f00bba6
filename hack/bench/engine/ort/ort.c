#include "ort.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onnxruntime_c_api.h"

enum { most_inputs = 64 };

struct network {
	const OrtApi *api;
	const char *version;
	OrtEnv *env;
	OrtSession *session;
	OrtMemoryInfo *memory;
	size_t inputs;
	char *names[most_inputs];
	ONNXTensorElementDataType types[most_inputs];
	int64_t widths[most_inputs];
	char *output_name;

	int64_t batches, next;
	OrtValue **values; // of batch b and input i at b * inputs + i
	OrtValue *output;
	float *result;
};

static char *text(const char *message) { return strdup(message); }

static char *status_text(const OrtApi *api, OrtStatus *status) {
	char *message = text(api->GetErrorMessage(status));
	api->ReleaseStatus(status);
	return message;
}

#define CHECK(call)                              \
	do {                                         \
		OrtStatus *status = (call);              \
		if (status) return status_text(n->api, status); \
	} while (0)

static char *describe_input(network *n, size_t i, OrtAllocator *allocator) {
	OrtTypeInfo *info;
	const OrtTensorTypeAndShapeInfo *tensor;
	int64_t shape[2];
	size_t rank;
	CHECK(n->api->SessionGetInputName(n->session, i, allocator, &n->names[i]));
	CHECK(n->api->SessionGetInputTypeInfo(n->session, i, &info));
	CHECK(n->api->CastTypeInfoToTensorInfo(info, &tensor));
	CHECK(n->api->GetTensorElementType(tensor, &n->types[i]));
	CHECK(n->api->GetDimensionsCount(tensor, &rank));
	if (rank != 2) return text("an input is not a matrix");
	CHECK(n->api->GetDimensions(tensor, shape, 2));
	n->widths[i] = shape[1];
	n->api->ReleaseTypeInfo(info);
	return NULL;
}

static char *load(network *n, const char *model, int threads) {
	OrtSessionOptions *options;
	OrtAllocator *allocator;
	CHECK(n->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &n->env));
	CHECK(n->api->CreateSessionOptions(&options));
	CHECK(n->api->SetIntraOpNumThreads(options, threads));
	CHECK(n->api->SetInterOpNumThreads(options, 1));
	CHECK(n->api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
	CHECK(n->api->CreateSession(n->env, model, options, &n->session));
	n->api->ReleaseSessionOptions(options);
	CHECK(n->api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &n->memory));
	CHECK(n->api->GetAllocatorWithDefaultOptions(&allocator));
	CHECK(n->api->SessionGetInputCount(n->session, &n->inputs));
	if (n->inputs > most_inputs) return text("too many inputs");
	for (size_t i = 0; i < n->inputs; i++) {
		char *error = describe_input(n, i, allocator);
		if (error) return error;
	}
	CHECK(n->api->SessionGetOutputName(n->session, 0, allocator, &n->output_name));
	return NULL;
}

network *network_open(const char *library, const char *model, int threads, char **error) {
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		*error = text(dlerror());
		return NULL;
	}
	const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(handle, "OrtGetApiBase");
	network *n = calloc(1, sizeof *n);
	n->api = base()->GetApi(ORT_API_VERSION);
	n->version = base()->GetVersionString();
	*error = n->api ? load(n, model, threads) : text("the library does not have the API of the header");
	return *error ? NULL : n;
}

const char *network_version(network *n) { return n->version; }

char *network_batch(network *n, const char *values, int64_t bytes, int64_t examples, int64_t batch) {
	n->batches = examples / batch;
	n->next = 0;
	n->values = calloc(n->batches * n->inputs, sizeof *n->values);
	const char *at = values;
	for (size_t i = 0; i < n->inputs; i++) {
		const int64_t each = 4 * n->widths[i]; // float or int32
		const int64_t shape[2] = {batch, n->widths[i]};
		if (at + each * examples > values + bytes) return text("the inputs are shorter than the network takes");
		for (int64_t b = 0; b < n->batches; b++) {
			CHECK(n->api->CreateTensorWithDataAsOrtValue(n->memory, (void *)(at + b * batch * each), batch * each, shape, 2,
			                                             n->types[i], &n->values[b * n->inputs + i]));
		}
		at += each * examples;
	}
	n->result = calloc(batch, sizeof *n->result);
	const int64_t shape[2] = {batch, 1};
	CHECK(n->api->CreateTensorWithDataAsOrtValue(n->memory, n->result, batch * sizeof *n->result, shape, 2,
	                                             ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &n->output));
	return NULL;
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

char *network_run(network *n, int64_t runs, int64_t *nanoseconds, float *first) {
	const char *output_names[1] = {n->output_name};
	n->next = 0;
	const int64_t begin = now();
	for (int64_t r = 0; r < runs; r++) {
		CHECK(n->api->Run(n->session, NULL, (const char *const *)n->names,
		                  (const OrtValue *const *)&n->values[n->next * n->inputs], n->inputs, output_names, 1, &n->output));
		if (++n->next == n->batches) n->next = 0;
	}
	*nanoseconds = now() - begin;
	*first = n->result[0];
	return NULL;
}
