package registry

import (
	"fmt"
	"slices"
)

// Limits of counting.
const (
	mostCounted = 20_000 // how far the records that a condition leaves are counted: two milliseconds
	mostBegins  = 8      // of how many conditions
)

// condition compiles all that the records must fulfil. Of the conditions by which SQLite can find records, it is to begin with the
// one of this number, and to look at each record for the others; -1: it may begin with whichever it likes.
func (s *statement) condition(begin int) (fragment, error) {
	parts, err := s.compiler.parts([]condition{s.wanted}, standing{alias: rootAlias})
	if err != nil {
		return fragment{}, err
	}
	s.conditions = slices.Clone(parts)
	if begin >= 0 {
		probes, err := s.probes()
		if err != nil {
			return fragment{}, err
		}
		probes[begin] = parts[begin]
		parts = probes
	}
	return s.all(parts), nil
}

// probes are the conditions as they are asked of one record after the other.
func (s *statement) probes() ([]fragment, error) {
	s.probing = true
	defer func() { s.probing = false }()
	return s.compiler.parts([]condition{s.wanted}, standing{alias: rootAlias})
}

// all joins the user's conditions with those of the query itself.
func (s *statement) all(parts []fragment) fragment {
	if s.q.Of != nil {
		parts = append(parts, s.related)
	}
	if s.shownOnly {
		parts = append(parts, fragment{sql: rootAlias + ".visibility = ?", args: []any{Visible}})
	}
	return joined(" AND ", always, parts)
}

// begin counts how many records each condition leaves, and makes SQLite begin with the narrowest: by itself it takes a label that
// everything has for as rare as one that few have.
func (s *statement) begin(count func(fragment) (int64, error)) error {
	var can []int
	related := false
	for i, f := range s.conditions {
		if f.ids != "" && len(can) < mostBegins {
			can = append(can, i)
			related = related || f.cost == costRelated
		}
	}
	choice := related && len(can) > 1
	if len(can) == 0 || !choice && !s.sliceOfIndex() {
		return nil
	}
	first := -1
	for _, i := range can {
		f := s.conditions[i]
		n, err := count(fragment{sql: fmt.Sprintf("SELECT count(*) FROM (%s LIMIT %d)", f.ids, min(s.least, mostCounted)), args: f.args})
		if err != nil {
			return err
		}
		if n < s.least {
			s.least, first = n, i
		}
	}
	var err error
	if choice {
		if s.where, err = s.condition(first); err != nil {
			return err
		}
	}
	if s.least > earlyEnough && s.least < mostCounted && s.sliceOfIndex() {
		s.total, err = count(fragment{sql: "SELECT coalesce(max(id), 0) FROM " + quote(string(s.root.Model))})
	}
	return err
}
