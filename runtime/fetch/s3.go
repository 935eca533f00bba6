package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// S3Config says where S3 is and who asks. Without keys, requests are anonymous.
type S3Config struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	// Region defaults to us-east-1, which servers other than Amazon's mostly accept.
	Region string
	// Endpoint is the URL of a server other than Amazon's.
	Endpoint string
	// Addressing is "path" or "virtual"; empty means path where there is an Endpoint.
	Addressing string
}

// S3ConfigFrom reads the variables that the contract names. Values come from Secrets, which people make with a line
// end too many: space around them is dropped.
func S3ConfigFrom(getenv func(string) string) S3Config {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	return S3Config{
		AccessKeyID:     get(contract.EnvAccessKeyID),
		SecretAccessKey: get(contract.EnvSecretAccessKey),
		SessionToken:    get(contract.EnvSessionToken),
		Region:          get(contract.EnvRegion),
		Endpoint:        get(contract.EnvEndpoint),
		Addressing:      get(contract.EnvAddressing),
	}
}

// check returns what is wrong with the configuration, and never a key.
func (c S3Config) check() error {
	invalid := func(format string, args ...any) error {
		return newError(contract.ReasonConfigInvalid, nil, format, args...)
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		return invalid("the Secret must have both %s and %s, or neither", contract.EnvAccessKeyID, contract.EnvSecretAccessKey)
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
			u.RawQuery != "" || u.Fragment != "" {
			return invalid("%s must be an http or https URL without a user, a query and a fragment", contract.EnvEndpoint)
		}
	}
	for name, value := range map[string]string{ // those that become part of a header
		contract.EnvAccessKeyID: c.AccessKeyID, contract.EnvSessionToken: c.SessionToken, contract.EnvRegion: c.Region,
	} {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return invalid("%s has a space, a line break or a character within that cannot be sent", name)
		}
	}
	switch c.Addressing {
	case "", "path", "virtual":
		return nil
	}
	return invalid(`%s must be "path" or "virtual", not %.20q`, contract.EnvAddressing, c.Addressing)
}

func (c S3Config) pathStyle() bool {
	return c.Addressing == "path" || c.Addressing == "" && c.Endpoint != ""
}

// bucket is an S3 bucket to read from.
type bucket struct {
	name      string
	client    *s3.Client
	anonymous bool
}

func newBucket(where location, config S3Config, transport http.RoundTripper) (*bucket, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	options := s3.Options{
		Region:       config.Region,
		UsePathStyle: config.pathStyle(),
		Credentials:  aws.AnonymousCredentials{},
		HTTPClient: &http.Client{
			Transport: boundedXML{readableRedirects{transport}},
			// Redirections of S3 say that the region is wrong; following them with a signature for the first one is no use.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// Trying again is the download loop's business, for all sources alike.
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if config.Endpoint != "" {
		options.BaseEndpoint = aws.String(config.Endpoint)
	}
	anonymous := config.AccessKeyID == ""
	if !anonymous {
		options.Credentials = credentials.NewStaticCredentialsProvider(
			config.AccessKeyID, config.SecretAccessKey, config.SessionToken)
	}
	return &bucket{name: where.bucket, client: s3.New(options), anonymous: anonymous}, nil
}

func (b *bucket) object(key string) source { return &s3Object{bucket: b, key: key} }

type s3Object struct {
	*bucket
	key string
}

func (o *s3Object) open(ctx context.Context, offset int64, tag string) (*stream, error) {
	input := &s3.GetObjectInput{Bucket: aws.String(o.name), Key: aws.String(o.key)}
	ranged := offset > 0 && tag != ""
	if ranged {
		input.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
		input.IfMatch = aws.String(tag)
	}
	output, err := o.client.GetObject(ctx, input)
	if err != nil {
		e := o.explain(ctx, err)
		if e.Reason == contract.ReasonArtifactNotFound {
			o.suggestPrefix(ctx, e)
		}
		return nil, e
	}
	in := &stream{body: output.Body, size: -1, tag: aws.ToString(output.ETag)}
	if output.ContentLength != nil {
		in.size = *output.ContentLength
	}
	if !ranged || output.ContentRange == nil {
		return in, nil
	}
	start, size, ok := contentRange(*output.ContentRange)
	if !ok || start != offset {
		output.Body.Close()
		return nil, unusableRange(http.StatusPartialContent)
	}
	in.offset, in.size = start, size
	return in, nil
}

// suggestPrefix adds to the message what somebody wants to know who has forgotten the slash.
func (o *s3Object) suggestPrefix(ctx context.Context, e *Error) {
	// Only a hint hangs on it: where listing is not possible, the first error says enough.
	if below, _, err := o.page(ctx, o.key+"/", nil, 1); err == nil && len(below) > 0 {
		e.Message = fmt.Sprintf("there is no such object, but there are objects below s3://%s/%s/: add the / at the end",
			o.name, o.key)
	}
}

// listed is an object below a prefix.
type listed struct {
	key  string
	size int64
}

// page lists some of the objects below a prefix, and returns the token for the next ones, nil after the last.
func (b *bucket) page(ctx context.Context, prefix string, token *string, limit int) ([]listed, *string, error) {
	output, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: aws.String(b.name), Prefix: aws.String(prefix), ContinuationToken: token,
		MaxKeys: aws.Int32(int32(min(limit, 1000))),
	})
	if err != nil {
		return nil, nil, b.explain(ctx, err)
	}
	objects := make([]listed, 0, len(output.Contents))
	for _, o := range output.Contents {
		objects = append(objects, listed{key: aws.ToString(o.Key), size: aws.ToInt64(o.Size)})
	}
	if !aws.ToBool(output.IsTruncated) {
		return objects, nil, nil
	}
	return objects, output.NextContinuationToken, nil
}

// maxXML is more than a full page of a listing, of 1000 long keys, takes.
const maxXML = 8 << 20

// boundedXML bounds what the SDK reads into memory: listings and errors. Objects go to the disk, and are bounded there.
type boundedXML struct{ http.RoundTripper }

func (t boundedXML) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err == nil && (resp.StatusCode >= 300 || req.URL.Query().Has("list-type")) {
		resp.Body = &boundedBody{resp.Body, maxXML}
	}
	return resp, err
}

// boundedBody fails beyond so many bytes.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, newError(contract.ReasonArtifactUnreachable, nil, "the server's answer has more than %d bytes of XML: "+
			"check %s", maxXML, contract.EnvEndpoint)
	}
	return n, err
}

// userNotFound is what versitygw says, with a 404, for InvalidAccessKeyId.
const userNotFound = "XAdminUserNotFound"

// explain says what an answer of S3 means for the person who wrote the manifest.
func (b *bucket) explain(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	api, isAPI := errors.AsType[smithy.APIError](err)
	resp, isResp := errors.AsType[*smithyhttp.ResponseError](err)
	if !isResp || resp.Response == nil || resp.HTTPStatusCode() == 0 {
		return transportError(ctx, rootCause(err))
	}
	code, status := "", resp.HTTPStatusCode()
	if isAPI {
		code = api.ErrorCode()
	}
	switch {
	case code == "InvalidAccessKeyId" || code == userNotFound:
		status = http.StatusForbidden // not every server says so
	case status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable:
		return unusableRange(status)
	case code == "NoSuchBucket":
		return newError(contract.ReasonArtifactNotFound, err, "the bucket %s does not exist: check the URL and %s",
			b.name, contract.EnvEndpoint)
	case code == "ExpiredToken" || code == "InvalidToken":
		return newError(contract.ReasonArtifactForbidden, err, "the session token is invalid or has expired: put new keys "+
			"into the Secret")
	case status < 300 && (ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF)):
		return transportError(ctx, err) // broken off
	case status < 300:
		return newError(contract.ReasonArtifactUnreachable, err, "what answers (%d) is no S3 server: check %s",
			status, contract.EnvEndpoint)
	case status >= 300 && status < 400, code == "AuthorizationHeaderMalformed":
		return newError(contract.ReasonConfigInvalid, err, "the bucket is in another region: set %s in the Secret",
			contract.EnvRegion)
	}
	return statusError(status, err, b.accessHint(code))
}

func (b *bucket) accessHint(code string) string {
	switch {
	case b.anonymous:
		return "no keys are set: name a Secret with them in spec.artifact.secretRef, or allow anonymous reading"
	case code == "InvalidAccessKeyId" || code == userNotFound:
		return "the server does not know the access key: check " + contract.EnvAccessKeyID + " in the Secret"
	case code == "SignatureDoesNotMatch":
		return "the secret key is wrong: check " + contract.EnvSecretAccessKey + " in the Secret"
	}
	return "check the keys in the Secret and the bucket's policy (s3:GetObject, s3:ListBucket); without s3:ListBucket, an " +
		"object that does not exist looks like this too"
}

// rootCause takes the SDK's wrappers off a connection error.
func rootCause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*smithy.OperationError](err); ok {
		return e.Err
	}
	return err
}
