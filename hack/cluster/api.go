package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// api asks the API server the few questions that `up` has; everything else is kubectl's.
type api struct {
	server string
	client *http.Client
}

func newAPI(server, certificates string) (*api, error) {
	ca, err := os.ReadFile(filepath.Join(certificates, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the cluster's ca.crt holds no certificate")
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(certificates, "admin.crt"), filepath.Join(certificates, "admin.key"))
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:             nil, // it is on this machine
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	return &api{server: server, client: &http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

// get fetches a path; an answer other than 200 is an error.
func (a *api) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() // read to its end
	body, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return body, nil
}

func (a *api) ready(ctx context.Context) bool {
	_, err := a.get(ctx, "/readyz")
	return err == nil
}

func (a *api) exists(ctx context.Context, path string) bool {
	_, err := a.get(ctx, path)
	return err == nil
}

// condition says whether an object has a condition with status True.
func (a *api) condition(ctx context.Context, path, kind string) bool {
	body, err := a.get(ctx, path)
	return err == nil && hasCondition(body, kind)
}

func hasCondition(object []byte, kind string) bool {
	var parsed struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if json.Unmarshal(object, &parsed) != nil {
		return false
	}
	for _, condition := range parsed.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == "True"
		}
	}
	return false
}
