package lint

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// TooLong finds source files of more than maxLines lines. read gives a file's text.
func TooLong(paths []string, read func(string) ([]byte, error)) ([]Finding, error) {
	var out []Finding
	for _, p := range paths {
		text, err := read(p)
		if err != nil {
			return nil, err
		}
		if n := bytes.Count(text, []byte("\n")); n > maxLines {
			out = append(out, Finding{p, fmt.Sprintf("%d lines, and %d is the most: give each main type a file", n, maxLines)})
		}
	}
	return out, nil
}

var (
	linkPattern    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	fencePattern   = regexp.MustCompile("(?ms)^```.*?^```")
	testPattern    = regexp.MustCompile("\\[`((?:Test|test_)\\w+)`\\]\\(([^()\\s]+)\\)")
	slugPattern    = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// DeadLinks finds links of a Markdown page that lead to a file or a heading which is not there. Links to other
// sites are not followed.
func DeadLinks(root, page string) ([]Finding, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, m := range linkPattern.FindAllSubmatch(fencePattern.ReplaceAll(text, nil), -1) {
		target := string(m[1])
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		file, anchor, _ := strings.Cut(target, "#")
		to := page
		if file != "" {
			to = path.Join(path.Dir(page), file)
		}
		there, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(to)))
		switch {
		case err != nil && !isFolder(filepath.Join(root, filepath.FromSlash(to))):
			out = append(out, Finding{page, "link to " + target + ": no such file"})
		case anchor != "" && !hasHeading(there, anchor):
			out = append(out, Finding{page, "link to " + target + ": no such heading"})
		}
	}
	return out, nil
}

// MissingTests finds links of a Markdown page that are labelled with a test, as in [`TestName`](file), where the file
// has no such test.
func MissingTests(root, page string) ([]Finding, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, m := range testPattern.FindAllSubmatch(text, -1) {
		name, file := string(m[1]), path.Join(path.Dir(page), string(m[2]))
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return nil, err
		}
		defined := regexp.MustCompile(`(?m)^(func|def) ` + regexp.QuoteMeta(name) + `\(`)
		if !defined.Match(source) {
			out = append(out, Finding{page, file + " has no test " + name})
		}
	}
	return out, nil
}

func isFolder(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// hasHeading tells whether a page has the heading that anchor names, by the rule that hosts of Git
// repositories share: lower case, punctuation dropped, spaces as hyphens.
func hasHeading(page []byte, anchor string) bool {
	for _, m := range headingPattern.FindAllSubmatch(fencePattern.ReplaceAll(page, nil), -1) {
		slug := slugPattern.ReplaceAllString(strings.ToLower(string(m[1])), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// Release takes the part of a build string before the plus sign.
func Release(version string) string {
	r, _, _ := strings.Cut(version, "+")
	return r
}
