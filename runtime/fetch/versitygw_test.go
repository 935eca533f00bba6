package fetch

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// versitygw finds the S3 server: at $VERSITYGW, or where the cluster tool has built it.
func versitygw(t *testing.T) string {
	t.Helper()
	path := os.Getenv("VERSITYGW")
	if path == "" {
		cache := os.Getenv("CTR_OPERATOR_CACHE")
		if base, err := os.UserCacheDir(); cache == "" && err == nil {
			cache = filepath.Join(base, "ctr-operator")
		}
		path = filepath.Join(cache, "bin", "versitygw")
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no S3 server at %s (go run ./hack/cluster build makes it, $VERSITYGW names another)", path)
	}
	return path
}

// startVersitygw runs the server on a free port until the test ends, and returns its URL and the keys for it.
func startVersitygw(t *testing.T) S3Config {
	t.Helper()
	binary := versitygw(t)
	address := freeAddress(t)
	config := S3Config{AccessKeyID: "test-access", SecretAccessKey: "s3cr3t-of-the-test", Endpoint: "http://" + address}

	// The metadata goes into a directory of its own: not every file system has extended attributes.
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--port", address, "--quiet", "posix", "--sidecar", t.TempDir(), t.TempDir())
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+config.AccessKeyID, "ROOT_SECRET_KEY="+config.SecretAccessKey)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("versitygw says:\n%s", &output)
		}
	})
	awaitServer(t, config.Endpoint)
	return config
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func awaitServer(t *testing.T, url string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the S3 server does not answer: %v", err)
		case <-tick.C:
		}
	}
}

// put makes the bucket and the objects in it.
func put(t *testing.T, config S3Config, objects map[string]string) {
	t.Helper()
	b, err := newBucket(location{scheme: "s3", bucket: "models"}, config, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(b.name)}); err != nil {
		t.Fatal(err)
	}
	for key, body := range objects {
		_, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(b.name), Key: aws.String(key), Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
}

// TestRealS3 runs against a real S3 server, which checks signatures and addressing as only a real one does.
func TestRealS3(t *testing.T) {
	config := startVersitygw(t)
	large := strings.Repeat("0123456789abcdef", 1<<16)
	bundle := map[string]string{"model.pkl": "the model", "golden.jsonl": "{}\n", "assets/词 表+%20.txt": "人工智能"}
	objects := map[string]string{"single/模型 1+2%20.pkl": large, "v1.tar.gz": compress(makeTar(entry{name: "m", body: "x"}))}
	for name, body := range bundle {
		objects["bundles/v1/"+name] = body
	}
	put(t, config, objects)
	opts := quick(nil)
	opts.S3 = config

	for name, c := range map[string]struct {
		url  string
		want map[string]string
	}{
		"object":  {"s3://models/single/模型 1+2%20.pkl", map[string]string{"模型 1+2%20.pkl": large}},
		"prefix":  {"s3://models/bundles/v1/", bundle},
		"archive": {"s3://models/v1.tar.gz", map[string]string{"m": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Fetch(t.Context(), c.url, t.TempDir(), opts)
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, a, c.want)
		})
	}
	t.Run("resumed", func(t *testing.T) { testRealResume(t, opts, large) })

	for name, c := range map[string]struct {
		url    string
		change func(*S3Config)
		reason contract.Reason
		says   string
	}{
		"wrong secret key": {"s3://models/v1.tar.gz", func(c *S3Config) { c.SecretAccessKey = "s3cr3t but wrong" },
			contract.ReasonArtifactForbidden, "AWS_SECRET_ACCESS_KEY"},
		"wrong access key": {"s3://models/bundles/v1/", func(c *S3Config) { c.AccessKeyID = "nobody" },
			contract.ReasonArtifactForbidden, "AWS_ACCESS_KEY_ID"},
		"no keys": {"s3://models/v1.tar.gz", func(c *S3Config) { c.AccessKeyID, c.SecretAccessKey = "", "" },
			contract.ReasonArtifactForbidden, "no keys are set"},
		"wrong region": {"s3://models/v1.tar.gz", func(c *S3Config) { c.Region = "eu-west-1" },
			contract.ReasonConfigInvalid, "AWS_REGION"},
		"no object":       {"s3://models/v2.pkl", nil, contract.ReasonArtifactNotFound, "check the URL"},
		"no prefix":       {"s3://models/bundles/v2/", nil, contract.ReasonArtifactNotFound, "no object below"},
		"no bucket":       {"s3://elsewhere/v1.pkl", nil, contract.ReasonArtifactNotFound, "the bucket elsewhere"},
		"forgotten slash": {"s3://models/bundles/v1", nil, contract.ReasonArtifactNotFound, "add the /"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := opts
			if c.change != nil {
				c.change(&opts.S3)
			}
			_, err := Fetch(t.Context(), c.url, t.TempDir(), opts)
			wantReason(t, err, c.reason, c.url+": ", c.says)
		})
	}
}

// testRealResume lets the connection break in the middle of the first answer.
func testRealResume(t *testing.T, opts Options, want string) {
	broken := &breakOnce{RoundTripper: http.DefaultTransport, after: 1000}
	opts.Transport = broken
	a, err := Fetch(t.Context(), "s3://models/single/模型 1+2%20.pkl", t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest != sum(want) || strings.Join(broken.ranges, ",") != ",bytes=1000-" {
		t.Errorf("digest %s, ranges %q", a.Digest, broken.ranges)
	}
}
