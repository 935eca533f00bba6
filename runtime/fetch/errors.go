package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Error says why an artifact could not be fetched, to whoever has to put it right.
type Error struct {
	Reason contract.Reason
	// URL is the artifact's, without user, password, query and fragment: nothing in it is secret.
	URL string
	// Message says what was found and what to do.
	Message string
	Err     error

	transient bool // worth another attempt
}

func (e *Error) Error() string {
	if e.URL == "" {
		return e.Message
	}
	return e.URL + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// at fills in the URL.
func (e *Error) at(url string) *Error {
	e.URL = url
	return e
}

func newError(reason contract.Reason, err error, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...), Err: err}
}

// asError returns err as an *Error; what is none yet is a fault of ours.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return newError(contract.ReasonInternal, err, "%v", err)
}

// errIdle is the cause of a context that was cancelled since nothing has arrived for too long.
var errIdle = errors.New("no data has arrived within the idle timeout")

// errUnusableRange is an answer to a resumption that cannot be used: the next attempt begins anew.
var errUnusableRange = errors.New("unusable answer to a range request")

// transportError explains an error of the connection or of reading the body. A url.Error is taken off: it repeats the
// URL with its query, which can be a signature.
func transportError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		return contextError(cause)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return newError(contract.ReasonArtifactUnreachable, e, "the server's certificate is not trusted: %v", e.Err)
	}
	// What the server sent may be in the error, and is of any length.
	e := newError(contract.ReasonArtifactUnreachable, err, "cannot be reached: %.300v: check the host and the port, and "+
		"that network policies let the pod connect", err)
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		e.Message = fmt.Sprintf("the host %s does not exist: check the name", dns.Name)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e = truncated(err)
	}
	e.transient = true
	return e
}

func truncated(err error) *Error {
	e := newError(contract.ReasonArtifactTruncated, err,
		"the transfer ends before the announced size, each time: check the server and what is between")
	e.transient = true
	return e
}

func contextError(cause error) *Error {
	switch {
	case errors.Is(cause, errIdle):
		e := newError(contract.ReasonArtifactUnreachable, cause, "the server has stopped sending")
		e.transient = true
		return e
	case errors.Is(cause, context.DeadlineExceeded):
		return newError(contract.ReasonStartupTimeout, cause,
			"was not fetched in time: check the connection, or allow more time for the start")
	default:
		return newError(contract.ReasonInternal, cause, "fetching was interrupted: %v", cause)
	}
}

func tooLarge(limit int64) *Error {
	return newError(contract.ReasonArtifactTooLarge, nil,
		"is larger than the limit of %d bytes: raise the limit, or make the artifact smaller", limit)
}

func tooManyFiles(limit int) *Error {
	return newError(contract.ReasonArtifactTooLarge, nil,
		"holds more than %s: point the URL at the artifact's own directory", plural(limit, "file"))
}

// diskError explains an error of the local disk.
func diskError(err error) *Error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return newError(contract.ReasonArtifactTooLarge, err, "does not fit on the pod's disk: %v", err)
	}
	return newError(contract.ReasonInternal, err, "cannot be written to the pod's disk: %v", err)
}

// statusError explains an HTTP status. Its hint says what to do where access is denied.
func statusError(status int, err error, hint string) *Error {
	switch {
	case status == 401 || status == 403:
		return newError(contract.ReasonArtifactForbidden, err, "access denied (%d): %s", status, hint)
	case status == 404 || status == 410:
		return newError(contract.ReasonArtifactNotFound, err, "not found (%d): check the URL", status)
	case status == 408 || status == 429 || status >= 500:
		e := newError(contract.ReasonArtifactUnreachable, err, "the server answers %d: try again later", status)
		e.transient = true
		return e
	default:
		return newError(contract.ReasonArtifactUnreachable, err, "the server answers %d: check the URL", status)
	}
}
