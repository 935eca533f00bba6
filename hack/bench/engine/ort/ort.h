#include <stdint.h>

// One network in ONNX Runtime, with inputs for any number of runs.
typedef struct network network;

// network_open loads a model, to be run with so many threads. It returns NULL and sets *error, which is to be freed, where
// that fails.
network *network_open(const char *library, const char *model, int threads, char **error);

// network_version is that of the library.
const char *network_version(network *n);

// network_batch makes the inputs: of the values of all examples, input after input, batches of so many. They are kept.
char *network_batch(network *n, const char *values, int64_t bytes, int64_t examples, int64_t batch);

// network_run runs so many batches, from the first on and around again, and sets the time that it took, in nanoseconds, and
// the last batch's first result.
char *network_run(network *n, int64_t runs, int64_t *nanoseconds, float *first);
