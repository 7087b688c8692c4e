package serve

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"

	"lenet/picture"
	"lenet/predict"
)

// An Answer is what POST /api/predict says of a picture, or of a digit of a row.
type Answer struct {
	File          string    `json:"file,omitempty"` // its name, of several pictures
	Digit         int       `json:"digit"`          // the most probable class: its index in Probabilities
	Label         string    `json:"label"`          // the class's name
	Probability   float64   `json:"probability"`    // of this class
	Probabilities []float64 `json:"probabilities"`  // by class
	Seen          [][]int   `json:"seen"`           // rows of grey values, 0 to 255: what the network sees
}

// A Failure stands in an answer's place for one of several pictures that cannot be read.
type Failure struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// apiPredict classifies the picture in a request's body, or the pictures in a multipart body.
func (s *Server) apiPredict(w http.ResponseWriter, r *http.Request) error {
	split := r.URL.Query().Get("split") == "true"
	body := s.limits.body(w, r)
	defer body.Close()
	boundary, several := isMultipart(r)
	files, err := readFiles(body, boundary, several)
	if err != nil {
		return err
	}
	leave, err := enter(s.limits.waiting, maxWaiting) // once all is there: who sends slowly takes no place
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	network, release, err := s.networks.get(ctx, r.URL.Query().Get("run"))
	if err != nil {
		return err
	}
	defer release()
	if several {
		all, err := s.answerAll(ctx, network, files, split)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, all)
		return nil
	}
	answers, err := s.answer(ctx, network, files[0].content, split)
	if err != nil {
		return err
	}
	if split {
		writeJSON(w, http.StatusOK, answers)
	} else {
		writeJSON(w, http.StatusOK, answers[0])
	}
	return nil
}

// readFiles reads a request's body: one file, or the parts of a multipart body.
func readFiles(body io.Reader, boundary string, several bool) ([]part, error) {
	if several {
		return readParts(multipart.NewReader(body, boundary))
	}
	file, err := io.ReadAll(body)
	return []part{{content: file}}, err
}

// A part is one of several files.
type part struct {
	name    string
	content []byte
}

func readParts(reader *multipart.Reader) (files []part, err error) {
	for {
		p, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err, "the multipart body cannot be read")
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, unreadable(err, "the multipart body cannot be read")
		}
		files = append(files, part{cmp.Or(p.FileName(), p.FormName(), fmt.Sprint(len(files)+1)), content})
		if len(files) > maxPictures {
			return nil, &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("a request has at most %d pictures", maxPictures)}
		}
	}
	if len(files) == 0 {
		return nil, &httpError{http.StatusBadRequest, "there is no picture in the request"}
	}
	return files, nil
}

// unreadable returns the error of a body that is not what it says, unless it is the connection's or a limit's.
func unreadable(err error, what string) error {
	var known *httpError
	var tooLarge *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	if errors.As(err, &known) || errors.As(err, &tooLarge) || errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	return &httpError{http.StatusBadRequest, fmt.Sprintf("%s: %v", what, err)}
}

// answerAll answers several files; one that cannot be read has its error in its place.
func (s *Server) answerAll(ctx context.Context, network *predict.Classifier, files []part, split bool) (all []any, err error) {
	for _, f := range files {
		answers, err := s.answer(ctx, network, f.content, split)
		var unfit *httpError
		if errors.As(err, &unfit) && unfit.status == http.StatusUnprocessableEntity {
			all = append(all, Failure{f.name, unfit.text})
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			a.File = f.name
			all = append(all, a)
		}
	}
	return all, nil
}

// answer answers a file: one answer, or with split one for each digit.
func (s *Server) answer(ctx context.Context, network *predict.Classifier, file []byte, split bool) ([]Answer, error) {
	images, err := s.prepare(ctx, network.Description().Frame, file, split)
	if err != nil {
		return nil, err
	}
	d := network.Description()
	var answers []Answer
	for _, pixels := range images {
		class, err := network.ClassifyPrepared(ctx, pixels)
		if err != nil {
			return nil, err
		}
		answers = append(answers, Answer{
			Digit: class.Predicted, Label: class.Name, Probability: class.Probability(), Probabilities: class.Probabilities, Seen: rowsOf(pixels, d.Cols),
		})
	}
	return answers, nil
}

// prepare decodes a file and prepares its picture. So many pixels are decoded at once that memory stays bounded, and a large picture waits for its turn.
func (s *Server) prepare(ctx context.Context, frame picture.Frame, file []byte, split bool) ([][]uint8, error) {
	width, height, err := picture.SizeOf(file)
	if err != nil {
		return nil, unfit(err)
	}
	n := int64(width) * int64(height)
	if n > maxPixels {
		return nil, unfit(fmt.Errorf("it has %dx%d pixels, and the server reads %.0f million at most; scale it down", width, height, maxPixels/1e6))
	}
	n = max(n, pixelBudget/int64(runtime.GOMAXPROCS(0)+1)) // more at once than there are processors would only wait for each other
	if err := s.limits.pixels.Acquire(ctx, n); err != nil {
		return nil, err
	}
	defer s.limits.pixels.Release(n)
	img, err := picture.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, unfit(err)
	}
	images, err := predict.Prepare(img, frame, split)
	if err != nil {
		return nil, unfit(err)
	}
	s.metrics.pictures.Inc()
	return images, nil
}

// unfit is the answer to a picture that cannot be read.
func unfit(err error) error {
	var several *picture.SeveralError
	text := err.Error()
	if errors.As(err, &several) {
		text += "; ask with split=true to read each"
	}
	return &httpError{http.StatusUnprocessableEntity, text}
}

func rowsOf(pixels []uint8, cols int) (rows [][]int) {
	for i, v := range pixels {
		if i%cols == 0 {
			rows = append(rows, make([]int, cols))
		}
		rows[i/cols][i%cols] = int(v)
	}
	return rows
}
