package registry

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// alphabet is that of uids, in the order in which suffixes count: lamindb's.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewUID is a random uid for a record of the model. Of a model that has versions, its last four characters say that it
// is the first of its family: 0000.
func NewUID(m Model) string {
	t := tables[m]
	if t.Stem == 0 {
		return base62(t.UID)
	}
	return base62(t.Stem) + strings.Repeat("0", t.UID-t.Stem)
}

// base62 is n random characters, each as likely as any other.
func base62(n int) string {
	out := make([]byte, 0, n)
	draw := make([]byte, 2*n)
	for {
		rand.Read(draw) // never fails
		for _, b := range draw {
			// 248 is the largest multiple of 62 in a byte: beyond it the first characters would come more often.
			if b < 248 {
				if out = append(out, alphabet[b%62]); len(out) == n {
					return string(out)
				}
			}
		}
	}
}

// nextSuffix is the suffix after s, counted in base 62.
func nextSuffix(s string) (string, error) {
	b := []byte(s)
	for i := len(b) - 1; i >= 0; i-- {
		at := strings.IndexByte(alphabet, b[i])
		if at < len(alphabet)-1 {
			b[i] = alphabet[at+1]
			return string(b), nil
		}
		b[i] = alphabet[0]
	}
	return "", fmt.Errorf("there is no version after %s", s)
}

// checkUID says whether uid is one of the model's: its length and its characters.
func (t *Table) checkUID(op, uid string) error {
	if len(uid) != t.UID {
		return fail(ErrInvalid, op, fmt.Sprintf("%s.uid", t.Model), "", "%q has %d characters; a uid of %s has %d", uid, len(uid), t.Model, t.UID)
	}
	if i := strings.IndexFunc(uid, func(c rune) bool { return !strings.ContainsRune(alphabet, c) }); i >= 0 {
		return fail(ErrInvalid, op, fmt.Sprintf("%s.uid", t.Model), "", "%q has a character that is neither a digit nor an ASCII letter", uid)
	}
	return nil
}
