package fetch

// Shown is an artifact's URL as messages may show it: without user, password, query and fragment. It is empty where the
// URL cannot be read.
func Shown(rawURL string) string {
	where, err := parseURL(rawURL)
	if err != nil {
		return ""
	}
	return where.String()
}
