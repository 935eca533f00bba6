package server

import (
	"log/slog"
	"net/http"
	"time"
)

// readTimeout is how long a client may take to send a request, from its first byte to its last.
const readTimeout = 20 * time.Second

// NewHTTP makes an http.Server for strangers: HTTP/1.1 and unencrypted HTTP/2, and no patience with clients that take
// for ever.
func NewHTTP(handler http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:   handler,
		Protocols: protocols,
		// The same for the header as for all of a request, which saves each of them a deadline.
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      time.Minute,
		// Longer than clients and proxies usually keep connections, so that it is they who close them: a server that does
		// so races with the next request.
		IdleTimeout:    5 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		// What net/http has to say is about clients, not about this process.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
