package request

import "errors"

// CheckAnswer says what makes another server's answer to a prediction unfit to be passed on: it must be JSON in which
// every ctr_score is a number, and where scores are probabilities, within 0 and 1. It is how a pod finds out that a revision
// which says 200 has no prediction to show.
func CheckAnswer(body string, shape Shape, probabilities bool) error {
	p := parser{scanner: scanner{s: body}, at: place{index: -1}}
	p.space()
	if p.i == len(body) || body[p.i] != '{' {
		return errors.New("the answer is not a JSON object")
	}
	found := false
	var names nameSet
	err := p.object(&names, func(name string) error {
		if name != "outputs" {
			return p.skip(1)
		}
		found = true
		if shape == Single {
			return p.output(probabilities)
		}
		return p.outputs(probabilities)
	})
	if err != nil {
		return err
	}
	if p.space(); p.i != len(body) || !found {
		return errors.New("the answer has no outputs, or goes on after them")
	}
	return nil
}

func (p *parser) outputs(probabilities bool) error {
	if !p.take('[') {
		return errors.New("outputs is not an array")
	}
	for {
		p.space()
		if err := p.output(probabilities); err != nil {
			return err
		}
		if p.space(); p.take(']') {
			return nil
		}
		if !p.take(',') {
			return errors.New("a ',' or ']' is missing in outputs")
		}
	}
}

func (p *parser) output(probabilities bool) error {
	if p.i == len(p.s) || p.s[p.i] != '{' {
		return errors.New("an output is not an object")
	}
	found := false
	var names nameSet
	err := p.object(&names, func(name string) error {
		if name != "ctr_score" {
			return p.skip(2)
		}
		found = true
		score, err := p.float()
		if err == nil && probabilities && !(score >= 0 && score <= 1) {
			err = errors.New("ctr_score is not within 0 and 1")
		}
		return err
	})
	if err == nil && !found {
		err = errors.New("an output has no ctr_score")
	}
	return err
}
