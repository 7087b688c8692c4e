package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serverMetrics are what GET /metrics tells Prometheus.
type serverMetrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	pictures prometheus.Counter
	batches  prometheus.Histogram
}

func newServerMetrics() *serverMetrics {
	m := &serverMetrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lenet_http_requests_total", Help: "Requests that were answered, by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lenet_http_request_seconds", Help: "Seconds from a request to the end of its answer, by route.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"route"}),
		pictures: prometheus.NewCounter(prometheus.CounterOpts{Name: "lenet_pictures_total", Help: "Pictures that were decoded and prepared."}),
		batches:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lenet_batch_images", Help: "Images that a network classified at once.", Buckets: prometheus.ExponentialBuckets(1, 2, 7)}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.pictures, m.batches,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// queue adds the gauges of what is in use.
func (m *serverMetrics) queue(l *limits) {
	gauge := func(name, help string, value func() int64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("lenet_queue_requests", "Requests with pictures that wait or are being answered.", l.waiting.Load)
	gauge("lenet_body_bytes", "Bytes of requests that are being read or answered.", l.bodies.Load)
	gauge("lenet_event_streams", "Streams of events that are open.", l.streams.Load)
}

// batch counts a batch of images.
func (m *serverMetrics) batch(images int) { m.batches.Observe(float64(images)) }

// counted counts a route's requests and their seconds.
func (m *serverMetrics) counted(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(status, r)
		m.requests.WithLabelValues(route, strconv.Itoa(status.status)).Inc()
		m.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
	})
}

func (m *serverMetrics) serve(w http.ResponseWriter, r *http.Request) error {
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

// A statusWriter remembers an answer's status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
