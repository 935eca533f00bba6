package server

import (
	"bytes"
	"net/http"
	"os"
	"strconv"
	"time"
)

// memory is what a process occupies, in MB (2^20 bytes), and as a share of the machine's memory.
type memory struct {
	RSS     float64 `json:"rss"`
	VMS     float64 `json:"vms"`
	Percent float64 `json:"percent"`
}

func (s *Server) health(x *exchange) {
	x.marshal(http.StatusOK, struct {
		Status       string  `json:"status"`
		ModelType    string  `json:"model_type"`
		ModelTrained bool    `json:"model_trained"`
		Uptime       float64 `json:"uptime"`
		MemoryUsage  memory  `json:"memory_usage"`
	}{"healthy", s.cfg.Type, true, time.Since(s.cfg.Started).Seconds(), memoryUsage()})
}

func (s *Server) models(x *exchange) {
	type entry struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Type   string `json:"type"`
	}
	x.marshal(http.StatusOK, struct {
		Model []entry `json:"model"`
	}{[]entry{{s.cfg.Name, "loaded", s.cfg.Format}}})
}

// memoryUsage reads /proc; where there is none, it is all zero.
func memoryUsage() memory {
	const mb = 1 << 20
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return memory{}
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return memory{}
	}
	page := float64(os.Getpagesize())
	m := memory{RSS: number(fields[1]) * page / mb, VMS: number(fields[0]) * page / mb}
	if total := memTotal(); total > 0 {
		m.Percent = 100 * m.RSS * mb / total
	}
	return m
}

// memTotal is the machine's memory in bytes.
func memTotal() float64 {
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(meminfo, []byte("MemTotal:"))
	if fields := bytes.Fields(rest); len(fields) > 0 {
		return number(fields[0]) * 1024
	}
	return 0
}

func number(b []byte) float64 {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0
	}
	return f
}
