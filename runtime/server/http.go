package server

import (
	"log/slog"
	"net/http"
	"time"
)

// NewHTTP makes an http.Server for strangers: HTTP/1.1 and unencrypted HTTP/2, and no patience with clients that take
// for ever.
func NewHTTP(handler http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		// Longer than clients and proxies usually keep connections, so that it is they who close them: a server that does
		// so races with the next request.
		IdleTimeout:    5 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		// What net/http has to say is about clients, not about this process.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
