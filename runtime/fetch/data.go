package fetch

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// dataSource is the part of a data: URL (RFC 2397) after the colon: [<media type>][;base64],<data>.
type dataSource string

func (s dataSource) open(context.Context, int64, string) (*stream, error) {
	b, err := decodeData(string(s))
	if err != nil {
		return nil, newError(contract.ReasonArtifactMalformed, err,
			"is no data: URL: %v; use data:;base64, followed by what base64 prints", err)
	}
	return &stream{body: io.NopCloser(bytes.NewReader(b)), size: int64(len(b))}, nil
}

// decodeData returns the bytes. Base64 may be padded or not, of either alphabet, and escaped.
func decodeData(s string) ([]byte, error) {
	mediaType, data, ok := strings.Cut(s, ",")
	if !ok {
		return nil, errors.New("it has no comma")
	}
	data, err := url.PathUnescape(data)
	if err != nil {
		return nil, errors.New("it has an invalid % escape")
	}
	if i := strings.LastIndexByte(mediaType, ';'); i < 0 || !strings.EqualFold(strings.TrimSpace(mediaType[i+1:]), "base64") {
		return []byte(data), nil
	}
	data = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", " ", "", "\t", "").Replace(data)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(data, "="))
	if err != nil {
		return nil, errors.New("it is not valid base64")
	}
	return b, nil
}
