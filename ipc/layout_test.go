package ipc

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./ipc -update writes it anew):\ngot\n%s\nwant\n%s", path, got, want)
	}
}

// table is docs/protocol.md for machines: testdata/layout.json.
type table struct {
	Protocol   [2]int              `json:"protocol"`
	Head       int                 `json:"head"`
	Align      int                 `json:"align"`
	MaxDepth   int                 `json:"max_depth"`
	Limits     tableLimits         `json:"limits"`
	Requests   map[string][]string `json:"requests"` // op: keys, from client to daemon
	Answers    map[string][]string `json:"answers"`  // op: keys, from daemon to client
	Optional   map[string][]string `json:"optional"` // of answers: keys that come at times only
	Order      []string            `json:"order"`    // keys of start.order
	Spec       []string            `json:"spec"`
	Column     []string            `json:"column"`
	Field      []string            `json:"field"`
	Array      []string            `json:"array"`
	RowStore   []string            `json:"row_store"`
	Kinds      []kindBuffer        `json:"kinds"`
	DTypes     map[string]int      `json:"dtypes"` // bytes of an element
	MaskPrefix string              `json:"mask_prefix"`
	Codes      []codeRow           `json:"codes"`
	Layouts    []layoutCase        `json:"layouts"` // worked examples
}

type tableLimits struct {
	Handshake int `json:"handshake"`
	Request   int `json:"request"`
	Answer    int `json:"answer"`
	Values    int `json:"values"`
}

type kindBuffer struct {
	Kind     Kind   `json:"kind"`
	Buffer   string `json:"buffer"`
	Elements string `json:"elements"`
	DType    string `json:"dtype"`
}

type codeRow struct {
	Code      Code   `json:"code"`
	Exception string `json:"exception"`
	Also      string `json:"also"`
}

type layoutCase struct {
	Schema []layoutField `json:"schema"`
	N      int           `json:"n"`
	Caps   []int         `json:"caps"`
	At     []int         `json:"at"`
	Lens   []int         `json:"lens"`
	Size   int           `json:"size"`
}

type layoutField struct {
	Kind  Kind   `json:"kind"`
	DType string `json:"dtype"`
	Width int    `json:"width"`
}

var requests = []Message{
	&Hello{}, &Open{}, &Get{}, &Query{}, &Start{}, &Release{}, &Stop{}, &StatsRequest{}, &StatusRequest{}, &Shutdown{}, &Registry{},
}

var answers = []Message{
	&Welcome{}, &Opened{}, &Started{}, &Ready{}, &Answer{}, &End{}, &Error{}, &Stats{}, &Status{}, &Bye{}, &Progress{},
}

// keys are the keys of a struct in order; optional ones are those left out at times.
func keys(v any) (all, optional []string) {
	typ := reflect.TypeOf(v).Elem()
	all = []string{}
	for i := range typ.NumField() {
		name, opt, _ := strings.Cut(typ.Field(i).Tag.Get("msgpack"), ",")
		if name == "" {
			continue
		}
		all = append(all, name)
		if opt == "omitempty" {
			optional = append(optional, name)
		}
	}
	return all, optional
}

func thisTable() table {
	t := table{
		Protocol: [2]int{Major, Minor}, Head: headLen, Align: Align, MaxDepth: maxDepth,
		Limits: tableLimits{
			Handshake: ServerLimits.Handshake, Request: ServerLimits.Read, Answer: ServerLimits.Write, Values: ServerLimits.Values,
		},
		Requests: map[string][]string{}, Answers: map[string][]string{}, Optional: map[string][]string{},
		DTypes: dtypeSizes, MaskPrefix: MaskPrefix,
		Kinds: []kindBuffer{
			{KindDense, "values", "n × width", "the field's"},
			{KindColumn, "values", "n", "the field's"},
			{KindMask, "values", "n", "bool"},
			{KindCSR, "indptr", "n + 1", "int32"},
			{KindCSR, "indices", "nnz", "int32"},
			{KindCSR, "values", "nnz", "the field's"},
		},
		Codes: []codeRow{
			{CodeProtocol, "ProtocolError", ""},
			{CodeVersion, "VersionError", ""},
			{CodeInvalidArgument, "InvalidArgument", "ValueError"},
			{CodeNotFound, "NotFound", "FileNotFoundError"},
			{CodeBadFile, "BadFile", "OSError"},
			{CodeUnsupported, "Unsupported", "NotImplementedError"},
			{CodeNoElement, "NoElement", "KeyError"},
			{CodeUnknownKey, "UnknownKey", "KeyError"},
			{CodeNoSharedVars, "NoSharedVars", "ValueError"},
			{CodeIndex, "IndexOutOfRange", "IndexError"},
			{CodeMemory, "NotEnoughMemory", "MemoryError"},
			{CodeDisk, "NotEnoughDisk", "OSError"},
			{CodeSourceChanged, "SourceChanged", "OSError"},
			{CodeClosed, "Closed", "RuntimeError"},
			{CodeBusy, "Busy", "RuntimeError"},
			{CodeNoRecord, "DoesNotExist", "LookupError"},
			{CodeConflict, "IntegrityError", "ValueError"},
			{CodeProtected, "ProtectedError", "ValueError"},
			{CodeUnknownField, "FieldError", "AttributeError"},
			{CodeValidation, "FieldValidationError", "ValueError"},
			{CodeRegistry, "RegistryError", "OSError"},
			{CodeShuttingDown, "DaemonGone", "ConnectionError"},
			{CodeInternal, "InternalError", "RuntimeError"},
		},
	}
	for _, m := range requests {
		t.Requests[m.Op()], _ = keys(m)
	}
	for _, m := range answers {
		all, optional := keys(m)
		t.Answers[m.Op()] = all
		if optional != nil {
			t.Optional[m.Op()] = optional
		}
	}
	t.Order, _ = keys(&Order{})
	t.Column, _ = keys(&Column{})
	t.Field, _ = keys(&Field{})
	t.Array, _ = keys(&AnswerArray{})
	t.RowStore, _ = keys(&RowStore{})
	t.Spec = specKeys()
	t.Layouts = layoutCases()
	return t
}

// specKeys are those that the spec's encoder writes: a map, so in no order but the encoder's.
func specKeys() []string {
	body, err := appendMessage(nil, &Open{}, 1<<20)
	if err != nil {
		panic(err)
	}
	var m struct {
		Spec map[string]any `msgpack:"spec"`
	}
	if err := Decode(body[headLen:], &m); err != nil {
		panic(err)
	}
	names := make([]string, 0, len(m.Spec))
	for k := range m.Spec {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func layoutCases() []layoutCase {
	list := []layoutCase{
		{Schema: []layoutField{{KindDense, "float32", 3}}, N: 5},
		{Schema: []layoutField{{KindColumn, "int64", 1}, {KindDense, "float32", 1000}, {KindColumn, "int64", 1}, {KindMask, "bool", 1}}, N: 128},
		{Schema: []layoutField{{KindCSR, "float32", 20000}, {KindCSR, "uint16", 7}, {KindColumn, "bool", 1}}, N: 15, Caps: []int{1000, 0}},
		{Schema: []layoutField{{KindDense, "float64", 0}, {KindCSR, "int8", 0}}, N: 0, Caps: []int{0}},
	}
	for i := range list {
		c := &list[i]
		if c.Caps == nil {
			c.Caps = []int{}
		}
		var s Schema
		for _, f := range c.Schema {
			s = append(s, Field{Kind: f.Kind, DType: f.DType, Width: f.Width})
		}
		c.At, c.Lens, c.Size = s.Layout(c.N, c.Caps)
	}
	return list
}

func TestTheMachineTableIsThatOfThisPackage(t *testing.T) {
	b, err := json.MarshalIndent(thisTable(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "layout.json", append(collapse(b), '\n'))
}

// collapse writes lists of plain values on one line.
func collapse(b []byte) []byte {
	return regexp.MustCompile(`\[[^\[\]{}]*\]`).ReplaceAllFunc(b, func(list []byte) []byte {
		return regexp.MustCompile(`\s*\n\s*`).ReplaceAll(bytes.ReplaceAll(list, []byte(",\n"), []byte(", \n")), nil)
	})
}

// page is docs/protocol.md.
func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rows are the rows of the table under a heading, split into cells.
func rows(t *testing.T, page, heading string) [][]string {
	t.Helper()
	_, part, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/protocol.md has no heading %q", heading)
	}
	if end := strings.Index(part, "\n#"); end >= 0 {
		part = part[:end]
	}
	var out [][]string
	for line := range strings.Lines(part) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	if len(out) < 2 {
		t.Fatalf("no table under %q", heading)
	}
	return out[1:] // without its head
}

// named are the words in backquotes that stand outside of brackets: the keys of a list of keys.
func named(text string) []string {
	out, depth, open := []string{}, 0, -1
	for i, c := range text {
		switch {
		case c == '`' && open < 0:
			open = i + 1
		case c == '`':
			if depth == 0 {
				out = append(out, text[open:i])
			}
			open = -1
		case open >= 0:
		case c == '(' || c == '{' || c == '[':
			depth++
		case c == ')' || c == '}' || c == ']':
			depth--
		}
	}
	return out
}

func TestThePageNamesTheKeysOfThisPackage(t *testing.T) {
	page, want := page(t), thisTable()
	for heading, ops := range map[string]map[string][]string{
		"## Messages, client to daemon": want.Requests, "## Messages, daemon to client": want.Answers,
	} {
		seen := make(map[string]bool)
		for _, row := range rows(t, page, heading) {
			for _, op := range named(row[0]) {
				seen[op] = true
				if op == "bye" && row[1] == "none" {
					row[1] = ""
				}
				same(t, heading+", "+op, named(row[1]), ops[op])
			}
		}
		for op := range ops {
			if !seen[op] {
				t.Errorf("%s: no row for %q", heading, op)
			}
		}
	}
	order := regexp.MustCompile("`order` {(.*?)}").FindStringSubmatch(page)
	same(t, "order", named(order[1]), want.Order)
	var spec []string
	for _, row := range rows(t, page, "### spec") {
		spec = append(spec, named(row[0])...)
	}
	same(t, "spec", spec, want.Spec)
	for name, keys := range map[string][]string{
		"column": want.Column, "field": want.Field, "array": want.Array, "row_store": want.RowStore,
	} {
		_, para, ok := strings.Cut(page, "\n**"+name+"**: ")
		if !ok {
			t.Fatalf("docs/protocol.md has no paragraph on %s", name)
		}
		para, _, _ = strings.Cut(para, "\n\n")
		same(t, name, named(para), keys)
	}
}

// same compares names without regard to order.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s: docs/protocol.md has %q, this package %q", what, got, want)
	}
}

func TestThePageHasTheBuffersAndCodesOfThisPackage(t *testing.T) {
	page, want := page(t), thisTable()
	var kinds []kindBuffer
	for _, r := range rows(t, page, "## Frames") {
		dtype, _, _ := strings.Cut(r[3], ",")
		kinds = append(kinds, kindBuffer{Kind(r[0]), r[1], r[2], strings.Trim(dtype, "`")})
	}
	if !reflect.DeepEqual(kinds, want.Kinds) {
		t.Errorf("frames: docs/protocol.md has %v, this package %v", kinds, want.Kinds)
	}
	var codes []codeRow
	for _, r := range rows(t, page, "## Codes") {
		class, also, _ := strings.Cut(r[1], " (")
		codes = append(codes, codeRow{Code(strings.Trim(r[0], "`")), class, strings.TrimSuffix(also, ")")})
	}
	if !reflect.DeepEqual(codes, want.Codes) {
		t.Errorf("codes: docs/protocol.md has %v, this package %v", codes, want.Codes)
	}
	for i, c := range Codes {
		if want.Codes[i].Code != c {
			t.Errorf("Codes[%d] is %q, the table has %q", i, c, want.Codes[i].Code)
		}
	}
	if len(Codes) != len(want.Codes) {
		t.Errorf("%d codes, the table has %d", len(Codes), len(want.Codes))
	}
}

func TestThePageHasTheNumbersOfThisPackage(t *testing.T) {
	flat := strings.Join(strings.Fields(page(t)), " ")
	for _, want := range []string{
		fmt.Sprintf("this page is **[%d, %d]**", Major, Minor),
		fmt.Sprintf("The limit is %d KiB until `welcome` was sent, then %d MiB from client to daemon, and %d MiB from daemon to client.",
			ServerLimits.Handshake>>10, ServerLimits.Read>>20, ServerLimits.Write>>20),
		fmt.Sprintf("nest at most %d deep", maxDepth),
		"at most 1,048,576 values",
		fmt.Sprintf("Offsets are multiples of %d", Align),
		"the mask's own name is `" + MaskPrefix + "` and that name",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("docs/protocol.md does not say %q", want)
		}
	}
	if ServerLimits.Values != 1_048_576 || ClientLimits.Handshake != ServerLimits.Handshake ||
		ClientLimits.Read != ServerLimits.Write || ClientLimits.Write != ServerLimits.Read {
		t.Errorf("the limits of the two ends disagree: %+v, %+v", ServerLimits, ClientLimits)
	}
}
