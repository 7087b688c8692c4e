package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// The README's line for programs works as it stands.
func TestTheReadmesLineIsAnswered(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^    (curl .*)$`).FindSubmatch(readme)
	if line == nil {
		t.Fatal("the README has no line with curl")
	}
	command := exec.Command("sh", "-c", strings.Replace(string(line[1]), "http://127.0.0.1:8080", address, 1))
	command.Dir = filepath.Join("..", "..")
	out, err := command.Output()
	var a answer
	if err != nil || json.Unmarshal(out, &a) != nil || a.Digit != 3 || len(a.Probabilities) != 10 || len(a.Seen) != 28 {
		t.Errorf("%s: %s (%v)", line[1], out, err)
	}
}

// Requests and answers, right and wrong ones, are as the OpenAPI description has them.
func TestAnswersAreAsTheDescriptionHasThem(t *testing.T) {
	description, err := http.Get(address + "/api")
	if err != nil {
		t.Fatal(err)
	}
	defer description.Body.Close()
	text, err := io.ReadAll(description.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	doc.Servers[0].URL = address
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(filepath.Join("..", "..", "examples", "classify", "three.png"))
	if err != nil {
		t.Fatal(err)
	}
	var several bytes.Buffer
	parts := multipart.NewWriter(&several)
	for name, content := range map[string][]byte{"a.png": picture, "b.png": []byte("no picture")} {
		w, _ := parts.CreateFormFile("file", name)
		_, _ = w.Write(content)
	}
	parts.Close()
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
	asked := map[string]bool{}
	for _, c := range []struct {
		method, path, kind string
		body               []byte
		status             int
	}{
		{"POST", "/api/predict", "image/png", picture, 200},
		{"POST", "/api/predict?run=own&split=true", "image/png", picture, 200},
		{"POST", "/api/predict", parts.FormDataContentType(), several.Bytes(), 200},
		{"POST", "/api/predict", "image/png", []byte("no picture"), 422},
		{"POST", "/api/predict?run=none", "image/png", picture, 404},
		{"POST", "/api/drawings?run=own&label=3", "image/png", picture, 200},
		{"POST", "/api/drawings?run=own&label=30", "image/png", picture, 400},
		{"GET", "/api/runs", "", nil, 200},
		{"GET", "/api/runs/own", "", nil, 200},
		{"GET", "/api/runs/none", "", nil, 404},
		{"GET", "/api/runs/own/events", "", nil, 200},
		{"GET", "/api/runs/own/network", "", nil, 200},
		{"GET", "/healthz", "", nil, 200},
		{"GET", "/metrics", "", nil, 200},
	} {
		request, err := http.NewRequest(c.method, address+c.path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			request.Header.Set("Content-Type", c.kind)
		}
		route, parameters, err := router.FindRoute(request)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		asked[route.Method+" "+route.Path] = true
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d: %.200s (%v)", c.method, c.path, answer.StatusCode, c.status, body, err)
		}
		err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
			Status:                 answer.StatusCode, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true},
		})
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !asked[method+" "+path] {
				t.Errorf("%s %s is described, and was not asked", method, path)
			}
		}
	}
}
