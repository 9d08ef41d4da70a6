package registry

import (
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Record is one record: the values of its fields by name, as [Type] says, "id" (int64), and those of no field in no case.
// What a record leaves out when it is saved is nil, or the registry's choice.
type Record map[string]any

// timeLayout is how times are stored: of fixed width and in UTC, so that texts sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Text is the value of a text field or of a reference; "" where there is none.
func (r Record) Text(name string) string {
	s, _ := r[name].(string)
	return s
}

// Int is the value of a number; 0 where there is none.
func (r Record) Int(name string) int64 {
	n, _ := r[name].(int64)
	return n
}

// Bool is the value of a bool; false where there is none.
func (r Record) Bool(name string) bool {
	b, _ := r[name].(bool)
	return b
}

// Time is the value of a time; the zero time where there is none.
func (r Record) Time(name string) time.Time {
	t, _ := r[name].(time.Time)
	return t
}

// UID is the record's uid.
func (r Record) UID() string { return r.Text("uid") }

// canonical is the record with every value as its field has it. A record that is not saved yet may stand in place of a uid.
func (t *Table) canonical(op string, r Record) (Record, error) {
	out := make(Record, len(r))
	for name, v := range r {
		if name == "id" || name == "model" {
			continue
		}
		f, ok := t.Field(name)
		if !ok {
			return nil, t.unknownField(ErrInvalid, op, name)
		}
		if f.Computed != "" {
			continue
		}
		c, err := f.canonical(v)
		if err != nil {
			return nil, fail(ErrInvalid, op, fmt.Sprintf("%s.%s", t.Model, name), "", "%v", err)
		}
		if c != nil {
			out[name] = c
		}
	}
	return out, nil
}

// canonical is v as values of the field are, or an error that says what they are.
func (f Field) canonical(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	c, ok := f.convert(v)
	if !ok {
		return nil, fmt.Errorf("got %v (%T), which is no %s", v, v, f.Type)
	}
	if s, isText := c.(string); isText && f.Choices != nil && !slices.Contains(f.Choices, s) {
		return nil, fmt.Errorf("got %q; it is one of %q", s, f.Choices)
	}
	return c, nil
}

func (f Field) convert(v any) (any, bool) {
	switch f.Type {
	case Text:
		s, ok := v.(string)
		if b, is := v.([]byte); is { // a path that is not UTF-8
			return string(b), true
		}
		return s, ok
	case Int:
		n, ok := wholeNumber(v)
		return n, ok
	case Bool:
		b, ok := v.(bool)
		return b, ok
	case Time:
		return momentOf(v)
	case JSON:
		_, err := jsonText(v)
		return v, err == nil
	case Ref:
		switch r := v.(type) {
		case Record, Save:
			return r, true
		case map[string]any:
			return Record(r), true
		}
		s, ok := v.(string)
		return s, ok
	}
	return nil, false
}

func wholeNumber(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int, int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		p, err := intParameter(n)
		if err != nil {
			return 0, false
		}
		return p.(int64), true
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<53
	}
	return 0, false
}

// momentOf is a time as it is stored: of whole microseconds, in UTC.
func momentOf(v any) (any, bool) {
	at, ok := v.(time.Time)
	if s, isText := v.(string); isText {
		var err error
		at, err = time.Parse(time.RFC3339Nano, s)
		ok = err == nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	return at, ok && at.Year() >= 0 && at.Year() <= 9999 // the texts of others do not sort
}

// stored is a canonical value as SQLite gets it. References are not for here.
func (f Field) stored(v any) (any, error) {
	switch f.Type {
	case Time:
		if at, ok := v.(time.Time); ok {
			return at.Format(timeLayout), nil
		}
	case JSON:
		if v != nil {
			return jsonText(v)
		}
	case Bool:
		if b, ok := v.(bool); ok {
			if b {
				return int64(1), nil
			}
			return int64(0), nil
		}
	}
	return v, nil
}

// loaded is a value that SQLite gave, as values of the field are.
func (f Field) loaded(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch f.Type {
	case Bool:
		n, ok := v.(int64)
		if !ok {
			return nil, fmt.Errorf("%s holds %T", f.Name, v)
		}
		return n != 0, nil
	case Time:
		s, _ := v.(string)
		at, err := time.Parse(timeLayout, s)
		if err != nil {
			return nil, fmt.Errorf("%s holds %q: %w", f.Name, s, err)
		}
		return at, nil
	case JSON:
		s, _ := v.(string)
		out, err := jsonValue(s)
		if err != nil {
			return nil, fmt.Errorf("%s holds %q: %w", f.Name, s, err)
		}
		return out, nil
	}
	return v, nil
}

// columns is the list of what a SELECT of whole records selects, from the model's table under an alias: the id, and the
// fields in order, references as uids.
func (t *Table) columns(alias string) string {
	list := []string{alias + ".id"}
	for _, f := range t.Fields {
		if f.Type == Ref {
			list = append(list, fmt.Sprintf("(SELECT uid FROM %s WHERE id = %s.%s)", quote(string(f.To)), alias, quote(f.Column())))
			continue
		}
		list = append(list, alias+"."+quote(f.Name))
	}
	return strings.Join(list, ", ")
}

// scan reads the record that a row of columns is.
func (t *Table) scan(rows *sql.Rows) (Record, error) {
	values := make([]any, len(t.Fields)+1)
	into := make([]any, len(values))
	for i := range into {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	r := Record{"id": values[0]}
	for i, f := range t.Fields {
		v, err := f.loaded(values[i+1])
		if err != nil {
			return nil, fmt.Errorf("%s %v: %w", t.Model, values[0], err)
		}
		r[f.Name] = v
	}
	return r, nil
}

// records runs a SELECT of columns and gives what it finds.
func (t *Table) records(rows *sql.Rows, err error) ([]Record, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Record
	for rows.Next() {
		r, err := t.scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
