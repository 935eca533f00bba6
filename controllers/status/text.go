package status

import (
	"strings"
	"unicode"
)

// maxText is how much of a pod's, a kubelet's or an apiserver's text goes into a message, in runes.
const maxText = 600

// clean makes text from outside harmless: one line, printable (no control or direction characters), valid UTF-8, bounded.
func clean(text string) string {
	const slack = 4 // bytes of a rune at most
	text = text[:min(len(text), slack*maxText)]
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return shorten(strings.Join(strings.Fields(printable), " "), maxText)
}

// lastLine is the last line of a log that has something in it.
func lastLine(text string) string {
	const most = 200
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return shorten(clean(lines[len(lines)-1]), most)
}

// shortURL is an artifact's URL as it can be shown: without a query, which may hold a signature, and not too long.
func shortURL(url string) string {
	const most = 200
	if strings.HasPrefix(url, "data:") {
		return "the data: URL"
	}
	url, _, _ = strings.Cut(url, "?")
	return shorten(clean(url), most)
}

func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
