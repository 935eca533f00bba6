package fetch

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// location is a checked URL.
type location struct {
	scheme string
	http   *url.URL // http and https
	bucket string   // s3
	key    string   // s3; literally, as other S3 tools have it: nothing is unescaped
	data   string   // data: what follows the colon
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)

func parseURL(raw string) (location, error) {
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok {
		return location{}, invalidURL("", "the artifact's URL has no scheme: use http://, https://, s3:// or data:")
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https":
		return parseHTTP(scheme, raw)
	case "s3":
		return parseS3(rest)
	case "data":
		return location{scheme: scheme, data: rest}, nil
	default:
		return location{}, invalidURL("", "the artifact's URL has the scheme %.20q: use http://, https://, s3:// or data:", scheme)
	}
}

func parseHTTP(scheme, raw string) (location, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" { // the parser's error repeats the URL, and whatever secret is in it
		return location{}, invalidURL("", "the artifact's %s URL is malformed: check it", scheme)
	}
	l := location{scheme: scheme, http: u}
	if u.User != nil {
		return location{}, invalidURL(l.String(), "a URL must not contain a user or password: put them into a Secret")
	}
	return l, nil
}

func parseS3(rest string) (location, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	l := location{scheme: "s3", bucket: bucket, key: key}
	switch {
	case !strings.HasPrefix(rest, "//") || !bucketName.MatchString(bucket):
		return location{}, invalidURL("", "the artifact's s3 URL is malformed: use s3://BUCKET/KEY, or s3://BUCKET/PREFIX/")
	case strings.ContainsAny(key, "?#\x00"):
		return location{}, invalidURL("s3://"+bucket, "the key must not contain '?' or '#'")
	case key != "" && !fs.ValidPath(strings.TrimSuffix(key, "/")):
		return location{}, invalidURL("s3://"+bucket, "the key must be a path without empty, '.' or '..' elements")
	}
	return l, nil
}

func invalidURL(shown, format string, args ...any) *Error {
	return newError(contract.ReasonConfigInvalid, nil, format, args...).at(shown)
}

// String returns the URL without anything that is secret or very long.
func (l location) String() string {
	switch {
	case l.http != nil:
		u := *l.http
		u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
		return u.String()
	case l.scheme == "s3":
		return "s3://" + l.bucket + "/" + l.key
	default:
		return fmt.Sprintf("data:… (%d characters)", len(l.data))
	}
}

// isPrefix says whether an s3 URL means everything below it.
func (l location) isPrefix() bool { return l.key == "" || strings.HasSuffix(l.key, "/") }

// baseName is the name under which a single object is kept: its own if that will do.
func (l location) baseName() string {
	name := l.key
	if l.http != nil {
		name = l.http.Path
	}
	if name = path.Base(name); usableName(name) {
		return name
	}
	return "artifact"
}

// maxName is what file systems accept for one element of a path.
const maxName = 255

func usableName(name string) bool {
	return name != "." && fs.ValidPath(name) && len(name) <= maxName && !strings.ContainsAny(name, "/\\\x00")
}

// usablePath says whether a path from outside, of an object or an entry, can be a file below the artifact's directory.
// That it stays in there is os.Root's business too.
func usablePath(name string) bool {
	if name == "." || !fs.ValidPath(name) {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if !usableName(element) {
			return false
		}
	}
	return true
}
