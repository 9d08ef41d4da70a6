package registry

import (
	"fmt"
	"slices"
	"strings"
)

// Model names a kind of record.
type Model string

// The models there are.
const (
	ModelArtifact   Model = "artifact"
	ModelCollection Model = "collection"
	ModelStorage    Model = "storage"
	ModelUser       Model = "user"
	ModelTransform  Model = "transform"
	ModelRun        Model = "run"
	ModelULabel     Model = "ulabel"
	ModelFeature    Model = "feature"
	ModelFeatureSet Model = "featureset"
)

// Type is what values of a field are.
type Type int

// The types of fields, the Go type of their values, and how SQLite stores them. An absent value is nil.
const (
	Text Type = iota // string; TEXT
	Int              // int64; INTEGER
	Bool             // bool; INTEGER 0 or 1
	Time             // time.Time in UTC, whole microseconds; TEXT of fixed width, as timeLayout, so that texts sort as times do
	JSON             // what encoding/json makes of a text; TEXT
	Ref              // string, the uid of a record of the model Ref; INTEGER NAME_id, its id
)

// String is the type's name as errors say it.
func (t Type) String() string {
	return [...]string{"text", "whole number", "bool", "time", "JSON", "record"}[t]
}

// Field is one column of a model.
type Field struct {
	Name     string
	Type     Type
	To       Model  // of a Ref: whose uid it holds
	Back     string // of a Ref: the name of the relation that leads back from To; "" for none
	Must     bool   // a record has a value here
	Unique   bool
	Index    bool
	Few      bool // of an index: many records have the same value, so that it is made to give the newest of these first
	Fixed    bool // decided by the registry or at the first save: update refuses it
	Choices  []string
	Computed string // SQL of other columns that makes it
	Doc      string
}

// Column is the field's column in SQL.
func (f Field) Column() string {
	if f.Type == Ref {
		return f.Name + "_id"
	}
	return f.Name
}

// Relation leads from one record to many others through a table of links.
type Relation struct {
	Name  string // in lookups: ulabels
	To    Model
	Link  string // the table of links
	Own   string // its column of ids of the model that has the relation
	Other string // its column of ids of To
	Order string // its column that orders the others; "" for none
	Extra string // its column of a text that belongs to the link (slot); "" for none
	Doc   string
}

// Table is what the registry knows of a model: from it are made the SQL, the lookups and the reference in the documents.
type Table struct {
	Model     Model // its name in SQL too
	UID       int   // characters of a uid
	Stem      int   // how many of them a family of versions has in common; 0: the model has no versions
	Fields    []Field
	Relations []Relation
	Unique    []string // fields that no two records have equal, all of them
	Doc       string
}

// Field finds a field by name.
func (t *Table) Field(name string) (Field, bool) {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return t.Fields[i], true
}

// Relation finds a relation by name.
func (t *Table) Relation(name string) (Relation, bool) {
	i := slices.IndexFunc(t.Relations, func(r Relation) bool { return r.Name == name })
	if i < 0 {
		return Relation{}, false
	}
	return t.Relations[i], true
}

// Has reports whether the model has a field of this name.
func (t *Table) Has(name string) bool {
	_, ok := t.Field(name)
	return ok
}

// FieldNames lists the fields, in the order of the table.
func (t *Table) FieldNames() []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

// TableOf is the table of a model; an unknown name is an error that lists those there are.
func TableOf(m Model) (*Table, error) {
	if t := tables[m]; t != nil {
		return t, nil
	}
	names := make([]string, len(Schema))
	for i, t := range Schema {
		names[i] = string(t.Model)
	}
	return nil, fail(ErrInvalid, "registry", "model", nearest(string(m), names), "%q is no model; there are %s", m, strings.Join(names, ", "))
}

var tables = func() map[Model]*Table {
	byModel := make(map[Model]*Table, len(Schema))
	for i := range Schema {
		byModel[Schema[i].Model] = &Schema[i]
	}
	return byModel
}()

// unknownField is the error for a name that the model has not.
func (t *Table) unknownField(kind error, op, name string) error {
	names := t.FieldNames()
	for _, r := range t.Relations {
		names = append(names, r.Name)
	}
	return fail(kind, op, fmt.Sprintf("%s.%s", t.Model, name), nearest(name, names), "%s has no field %q; it has %s",
		t.Model, name, strings.Join(names, ", "))
}
