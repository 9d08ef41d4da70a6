package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Limits of a search.
const (
	searchLimit = 20 // records that are given where no limit is
	searchWords = 8
	searchUID   = 4 // letters of a uid's beginning that are looked for: fewer are in everything
	searchBytes = 1000
	searchMost  = 50_000 // records that are ranked, of more that have the words: the newest, and
	searchBegin = 1_000  // as many as this of each field that begins with the text
)

// searchFields are the fields that are searched, where the model has them, and how much it weighs that a word is found there.
var searchFields = []searchField{{"name", 4}, {"key", 4}, {"handle", 4}, {"root", 4}, {"uid", 3}, {"description", 2}}

type searchField struct {
	name   string
	weight int
}

// before is what LIKE may find before a word: of uids, people have the beginning.
func (f searchField) before() string {
	if f.name == "uid" {
		return ""
	}
	return "%"
}

// searchRanks are the ways in which a word can be found in a field, the best first, and how much each weighs; anywhere else in it, 1.
// Before and after are as LIKE has them.
var searchRanks = []struct {
	before []string
	after  string
	weight int
}{
	{[]string{""}, "", 8},  // it is the field
	{[]string{""}, "%", 4}, // it begins the field
	{[]string{"% ", "%/", `%\_`, "%-", "%.", "%("}, "%", 2}, // it begins a word of it
}

// Search gives the records in which each word of text is found, in name, key, uid, description or what else names records of the
// model, whatever the case of letters. Those come first where words are found in the name rather than the description, as the
// whole field or its beginning, and together; then the newest. What q says of the order does not count; its Limit is 20 where it is 0.
//
// Of words that more than 50,000 records have, so many are compared, the ones that were saved last, and besides those whose name or
// key begins with the text as it is written.
func (db *DB) Search(ctx context.Context, text string, q Query) ([]Record, error) {
	s, words, err := searching(text, q)
	if err != nil {
		return nil, err
	}
	if s.q.Limit == 0 {
		s.q.Limit = searchLimit
	}
	f, err := s.search(words, searchMost)
	if err != nil {
		return nil, err
	}
	var found []Record
	err = db.run(ctx, s, f, collect(&found, s.root.scan))
	return found, err
}

// SearchCount counts all records in which each word of text is found, as [DB.Search] finds them, whatever the limit and the offset of q.
func (db *DB) SearchCount(ctx context.Context, text string, q Query) (int64, error) {
	q.Limit, q.Offset = 0, 0
	s, words, err := searching(text, q)
	if err != nil {
		return 0, err
	}
	if _, err := s.searchFor(words); err != nil {
		return 0, err
	}
	return db.number(ctx, s, s.count())
}

// searching compiles what a search has beside its words, and gives these.
func searching(text string, q Query) (*statement, []string, error) {
	q.OrderBy = nil
	s, err := compile(q)
	if err != nil {
		return nil, nil, err
	}
	s.op = "search"
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		return nil, nil, fail(ErrInvalid, s.op, "text", "", "there is no word to search for")
	case len(words) > searchWords || len(text) > searchBytes:
		return nil, nil, fail(ErrInvalid, s.op, "text", "", "%d words of %d bytes are searched for at most; there are %d of %d", searchWords, searchBytes,
			len(words), len(text))
	}
	return s, words, nil
}

// search compiles a search that ranks most records, and those whose name begins with the words. Only then are they read whole.
func (s *statement) search(words []string, most int) (fragment, error) {
	rank, err := s.searchFor(words)
	if err != nil {
		return fragment{}, err
	}
	all := s.body("SELECT " + rootAlias + ".id")
	ids := fragment{sql: fmt.Sprintf("SELECT id FROM (%s ORDER BY %s.id DESC LIMIT %d)", all.sql, rootAlias, most), args: all.args}
	for _, f := range searchFields {
		field, ok := s.root.Field(f.name)
		if !ok || f.name == "uid" || s.root.indexOf(field) == "" && !field.Unique {
			continue
		}
		begins, err := s.startswith(rootAlias+"."+quote(f.name), Text, strings.Join(words, " "))
		if err != nil {
			return fragment{}, &Error{Kind: ErrInvalid, Op: s.op, Object: "text", Err: err}
		}
		ids.sql += fmt.Sprintf(" UNION SELECT id FROM (%s AND %s LIMIT %d)", all.sql, begins.sql, searchBegin)
		ids.args = slices.Concat(ids.args, all.args, begins.args)
	}
	s.order = fmt.Sprintf("%s DESC, %s.created_at DESC, %s.id DESC", rank.sql, rootAlias, rootAlias)
	return s.slice(fragment{
		sql: fmt.Sprintf("SELECT %s FROM %s %s WHERE %s.id IN (%s) ORDER BY %s",
			s.root.columns(rootAlias), quote(string(s.root.Model)), rootAlias, rootAlias, ids.sql, s.order),
		args: slices.Concat(ids.args, rank.args),
	}), nil
}

// searchFor adds to the condition that all words are found, and gives the rank of a record.
func (s *statement) searchFor(words []string) (rank fragment, err error) {
	conditions := []fragment{s.where}
	for _, w := range words {
		var anywhere []fragment
		for _, f := range s.searched(w) {
			found, err := like(f.before(), "%")(&s.compiler, rootAlias+"."+quote(f.name), Text, w)
			if err != nil {
				return rank, &Error{Kind: ErrInvalid, Op: s.op, Object: "text", Err: err}
			}
			anywhere = append(anywhere, found)
		}
		conditions = append(conditions, joined(" OR ", never, anywhere))
	}
	s.where = joined(" AND ", always, conditions)
	if len(words) > 1 {
		words = append(words, strings.Join(words, " "))
	}
	var ranks []string
	for _, w := range words {
		if inOtherCases(w, fewCases) == nil { // each way would be a regular expression: such words count alike
			continue
		}
		for _, f := range s.searched(w) {
			r, err := s.rank(rootAlias+"."+quote(f.name), w, f.weight)
			if err != nil {
				return rank, err
			}
			ranks, rank.args = append(ranks, r.sql), append(rank.args, r.args...)
		}
	}
	rank.sql = "(" + strings.Join(append(ranks, "0", "0"), " + ") + ")" // a lone number would be that of a column
	return rank, nil
}

// searched are the fields of the model that are searched for a word.
func (s *statement) searched(word string) (out []searchField) {
	for _, f := range searchFields {
		if s.root.Has(f.name) && (f.name != "uid" || len(word) >= searchUID) {
			out = append(out, f)
		}
	}
	return out
}

// rank compiles how well a word is found in one column. Most records do not have it there at all, which is asked first.
func (s *statement) rank(col, word string, weight int) (fragment, error) {
	var w strings.Builder
	out, err := like("%", "%")(&s.compiler, col, Text, word)
	if err != nil {
		return fragment{}, err
	}
	fmt.Fprintf(&w, "CASE WHEN %s THEN CASE", out.sql)
	for _, r := range searchRanks {
		var ways []fragment
		for _, before := range r.before {
			f, err := like(before, r.after)(&s.compiler, col, Text, word)
			if err != nil {
				return fragment{}, err
			}
			ways = append(ways, f)
		}
		f := joined(" OR ", never, ways)
		fmt.Fprintf(&w, " WHEN %s THEN %d", f.sql, weight*r.weight)
		out.args = append(out.args, f.args...)
	}
	fmt.Fprintf(&w, " ELSE %d END ELSE 0 END", weight)
	out.sql = w.String()
	return out, nil
}
