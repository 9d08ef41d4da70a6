package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// samples has one message of each op and of each form that its keys may take.
func samples() []Message {
	label := "unknown"
	return []Message{
		&Hello{Protocol: [2]int{1, 0}, Build: "0.1.0+g79f27f2", PID: 4711, Client: "go example"},
		&Open{ID: 1, Paths: Paths{"/data/a.h5ad", "/data/b.h5ad"}},
		&Open{ID: 2, Paths: Paths{"/data/\xff.h5ad"}, Brief: true, Spec: Spec{
			LayersKeys: []string{"X", "raw.X", "counts"}, ObsKeys: []string{"cell_type", "n_genes"}, ObsmKeys: []string{"X_pca"},
			Join: JoinOuter, Labels: Labels{Only: []string{"cell_type"}}, Unknown: Unknown{All: &label},
		}},
		&Open{ID: 3, Paths: Paths{"/data/a.h5ad"}, Spec: Spec{
			ObsKeys: []string{"a", "b"}, Join: JoinNone, Labels: Labels{None: true},
			Unknown: Unknown{ByKey: map[string]string{"b": "?", "a": ""}},
		}},
		&Get{ID: 4, Rows: EncodeRows([]int64{0, 700, 1 << 40}), Format: "csr", DType: "float32"},
		&Get{ID: 5, Rows: EncodeRows(nil), Format: "dense"},
		&Start{
			Gen: 2, Order: Order{Kind: "shuffle", Seed: math.MaxUint64}, Epoch: 3, Position: 1 << 33, BatchSize: 128, DropLast: true,
			Rank: 1, WorldSize: 4, Format: "dense", DType: "float32", Prefetch: 8,
		},
		&Start{Order: Order{Kind: "sequential"}, BatchSize: 1, WorldSize: 1, Format: "csr"},
		&Release{Gen: -3, Seqs: Int64s{0, 1, 127, 128, 1 << 40}},
		&Release{},
		&Stop{Gen: 2},
		&Open{ID: 3, Paths: Paths{"/a"}, Spec: Spec{
			Filter:   Filter{Terms: []FilterTerm{{Key: "cell_type", Values: Values{"B", int64(3), 0.5, true}, Null: true}, {Key: "n", Values: Values{}}}},
			VarNames: []string{"CD3D", "µ"}, VarKey: "gene_ids",
			Transforms: []Transform{{Name: "log1p", Args: map[string]any{}}, {Name: "clip", Args: map[string]any{"max": 1.5, "min": nil, "v": []byte{1, 2}}}},
			Encoders:   map[string][]Pair{"a": {{"B", int64(0)}, {"T", int64(1)}}, "b": {}},
		}},
		&Open{ID: 4, Paths: Paths{"/a"}, Spec: Spec{Filter: Filter{Expr: "n > 3"}, VarNames: []string{}}},
		&Query{ID: 6, What: "var_list"},
		&Query{ID: 6, What: "labels", Args: Args{0x81, 0xa3, 'k', 'e', 'y', 0xa1, 'a'}},
		&Answer{ID: 6, Value: map[string]any{"n": int64(3)}},
		&Answer{ID: 6, Arrays: []AnswerArray{{Name: "codes", DType: "int32", Shape: Int64s{5, 2}, At: 64, Categories: Values{"B"}}}, SegSize: 4096, FDs: 1},
		&StatsRequest{ID: 6},
		&StatusRequest{ID: 7},
		&Shutdown{IfIdle: true},
		&Welcome{Protocol: [2]int{1, 0}, Build: "0.1.0+g79f27f2", PID: 42},
		&Opened{
			ID: 1, Hash: strings.Repeat("0af1", 16), NObs: 700, NVars: ptr(int64(765)), NObsList: []int64{400, 300},
			Shapes: []Shape{{400, 765}, {300, -1}}, Var: []string{"CD3D", "µ"},
			Columns: Columns{{
				Key: "cell_type", DType: "int64", Encoded: true, Categories: Values{"B", "T"},
				Encoder: []Pair{{"B", int64(0)}, {"T", int64(1)}}, Source: "categorical", Absent: Ints{1}, Missing: true,
			}, {Key: "n_genes", DType: "int64", Source: "number"}},
		},
		&Opened{ID: 2, Hash: strings.Repeat("0af1", 16), NObs: 700},
		&Opened{ID: 3, RowStore: &RowStore{
			Dir: "/rows", Rows: 700, Stored: 12, Needs: 1 << 20, Has: 4096, Total: 8192, Allowed: 1 << 30, Free: 1 << 40, Problem: "",
		}},
		&Started{
			Gen: 2, SegSize: 1 << 20, FDs: 1, Frames: 4, Steps: 6, N: 128,
			Schema: Schema{
				{Name: "_store_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1},
				{Name: "X", Kind: KindCSR, DType: "float32", Width: 765, Buffers: 3},
				{Name: "cell_type", Kind: KindColumn, DType: "int8", Width: 1, Buffers: 1,
					Categories: Values{"B", int64(200), 0.5, true, uint64(math.MaxUint64), nil}},
				{Name: "mask:X", Kind: KindMask, DType: "bool", Width: 1, Buffers: 1, Of: "X"},
			},
		},
		&Ready{Gen: 2, Seq: 5, N: 128, Base: 4096, Size: 524288, At: Ints{0, 1024}, Var: Ints{99}},
		&Ready{
			Gen: -1, Seq: 0, N: 1, Seg: 3, Size: 64, At: Ints{0}, Var: Ints{}, ID: ptr(int64(4)), SegSize: 4096, FDs: 1,
			Schema: Schema{{Name: "_idx", Kind: KindColumn, DType: "int64", Width: 1, Buffers: 1}},
		},
		&End{Gen: 2, Seq: 6},
		&Error{
			Code: CodeUnknownKey, Stage: "open", Object: "cell_typ", Message: "no store has obs key cell_typ",
			Hint: "did you mean cell_type?", ID: ptr(int64(1)),
		},
		&Error{Code: CodeSourceChanged, Stage: "read", Object: "/data/a.h5ad", Gen: ptr(int64(0)), Seq: ptr(int64(17))},
		&Stats{ID: 6, Gen: 2, Epoch: 3, Steps: 6, Sent: 5, Released: 4, Frames: 4, InUse: 2, RingBytes: 1 << 20, Waits: 1},
		&Status{
			ID: 7, PID: 42, Build: "0.1.0", Protocol: [2]int{1, 0}, Socket: "/run/l.sock", Log: "/var/l.log", Uptime: 1.5, IdleStop: 600,
			Workers: 4, Rows: 640, RowStore: &RowStore{Problem: "LOADERD_ROWSTORE is off"}, Collections: []CollectionStatus{{Hash: "0af1", Paths: Paths{"/a"}, NObs: 700, Users: 1}},
			Sessions: []SessionStatus{{Session: 1, PID: 4711, Client: "go", Stream: &Stats{Gen: 2}}, {Session: 2}},
		},
		&Bye{},
	}
}

func TestEveryMessageComesBackAsItWas(t *testing.T) {
	for i, m := range samples() {
		frame, err := appendMessage(nil, m, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		op, err := scan(frame[headLen:], 1<<20)
		if err != nil || string(op) != m.Op() {
			t.Errorf("sample %d: op %q, %v; want %q", i, op, err, m.Op())
		}
		got := reflect.New(reflect.TypeOf(m).Elem())
		if err := Decode(frame[headLen:], got.Interface()); err != nil {
			t.Errorf("sample %d: %v", i, err)
			continue
		}
		if open, ok := m.(*Open); ok { // defaults are written out
			open.Spec.Join, open.Spec.LayersKeys = open.Spec.JoinOrDefault(), open.Spec.Layers()
		}
		if want := text(t, m); text(t, got.Interface()) != want {
			t.Errorf("sample %d: got %s, want %s", i, text(t, got.Interface()), want)
		}
	}
}

// text is a message for comparison: an empty list is as good as none.
func text(t *testing.T, m any) string {
	t.Helper()
	b, err := json.Marshal(m)
	check(t, err)
	return m.(Message).Op() + " " + strings.ReplaceAll(string(b), "[]", "null")
}

func TestTheBytesOfEveryMessageStayTheSame(t *testing.T) {
	var out bytes.Buffer
	for _, m := range samples() {
		frame, err := appendMessage(nil, m, 1<<20)
		check(t, err)
		fmt.Fprintf(&out, "%s\n%x\n\n", readable(t, frame[headLen:]), frame)
	}
	golden(t, "messages.golden", out.Bytes())
}

// readable is a body in the order in which its keys are written; bytes are in angle brackets.
func readable(t *testing.T, body []byte) string {
	t.Helper()
	var out strings.Builder
	d := msgpack.NewDecoder(bytes.NewReader(body))
	var value func()
	value = func() {
		code, err := d.PeekCode()
		check(t, err)
		switch {
		case isMap(code):
			n, _ := d.DecodeMapLen()
			out.WriteByte('{')
			for i := range n {
				if i > 0 {
					out.WriteString(", ")
				}
				k, _ := d.DecodeString()
				out.WriteString(k + ": ")
				value()
			}
			out.WriteByte('}')
		case code >= 0x90 && code <= 0x9f || code == 0xdc || code == 0xdd:
			n, _ := d.DecodeArrayLen()
			out.WriteByte('[')
			for i := range n {
				if i > 0 {
					out.WriteString(", ")
				}
				value()
			}
			out.WriteByte(']')
		case code >= 0xc4 && code <= 0xc6:
			b, _ := d.DecodeBytes()
			fmt.Fprintf(&out, "<%x>", b)
		case isString(code):
			s, _ := d.DecodeString()
			fmt.Fprintf(&out, "%q", s)
		default:
			v, err := d.DecodeInterfaceLoose()
			if check(t, err); v == nil {
				v = "nil"
			}
			fmt.Fprint(&out, v)
		}
	}
	value()
	return out.String()
}

// body encodes maps and lists by hand: kv pairs in order.
func body(t testing.TB, v any) []byte {
	t.Helper()
	b, err := msgpack.Marshal(v)
	check(t, err)
	return b
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	deep := any(1)
	for range maxDepth {
		deep = []any{deep}
	}
	for _, tc := range []struct {
		name string
		body []byte
		says string
	}{
		{"nothing", nil, "ends inside"},
		{"a number", []byte{5}, "not a map"},
		{"a list", []byte{0x90}, "not a map"},
		{"an empty map", []byte{0x80}, "no op"},
		{"no op", body(t, map[string]any{"id": 1}), "no op"},
		{"op is a number", body(t, map[string]any{"op": 1}), "op is no string"},
		{"op twice", []byte("\x82\xa2op\xa1a\xa2op\xa1b"), "twice"},
		{"a key that is a number", []byte{0x81, 1, 1}, "key is no string"},
		{"a key that is bytes", []byte{0x81, 0xc4, 1, 'a', 1}, "key is no string"},
		{"a key that is a number, deeper", []byte("\x82\xa2op\xa1a\xa1x\x81\x01\x01"), "key is no string"},
		{"bytes behind the map", []byte("\x81\xa2op\xa1a\x00"), "1 bytes after"},
		{"cut in a key", []byte("\x81\xa2o"), "ends inside"},
		{"cut before a value", []byte("\x81\xa2op"), "ends inside"},
		{"cut in a number", []byte("\x82\xa2op\xa1a\xa1x\xcd\x01"), "ends inside"},
		{"a map of 2^32-1 pairs", []byte("\xdf\xff\xff\xff\xff"), "ends inside"},
		{"a list of 2^32-1 values", []byte("\x82\xa2op\xa1a\xa1x\xdd\xff\xff\xff\xff"), "ends inside"},
		{"a string of 2^32-1 bytes", []byte("\x82\xa2op\xa1a\xa1x\xdb\xff\xff\xff\xff"), "ends inside"},
		{"bytes, 2^32-1 of them", []byte("\x82\xa2op\xa1a\xa1x\xc6\xff\xff\xff\xff"), "ends inside"},
		{"a list longer than what is left", []byte("\x82\xa2op\xa1a\xa1x\x93\x01\x01"), "ends inside"},
		{"an ext value", []byte("\x82\xa2op\xa1a\xa1x\xd4\x01\x01"), "not in use"},
		{"the code that msgpack never uses", []byte("\x82\xa2op\xa1a\xa1x\xc1"), "not in use"},
		{"a string that is not UTF-8", []byte("\x82\xa2op\xa1a\xa1x\xa1\xff"), "UTF-8"},
		{"a key that is not UTF-8", []byte("\x82\xa2op\xa1a\xa1\xff\x01"), "UTF-8"},
		{"too deep", body(t, map[string]any{"op": "a", "x": deep}), "deeper than 72"},
		{"too many values", body(t, map[string]any{"op": "a", "x": make([]int, 2000)}), "more values"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := sockets(t)
			limits := ServerLimits
			limits.Values = 2000
			c := NewConn(a, limits)
			b.Write(framed(tc.body))
			if len(tc.body) == 0 {
				_, err := scan(nil, 100)
				wantError(t, err, ErrProtocol, tc.says)
				return
			}
			_, _, err := c.ReadMsg()
			wantError(t, err, ErrProtocol, tc.says)
		})
	}
}

func TestTheDeepestMessageAllowedIsRead(t *testing.T) {
	deep := any(1)
	for range maxDepth - 1 {
		deep = []any{deep}
	}
	b := body(t, map[string]any{"op": "end", "x": deep, "gen": 1, "seq": 2})
	var m End
	check(t, Decode(b, &m))
	if m != (End{Gen: 1, Seq: 2}) {
		t.Errorf("got %+v", m)
	}
}

func TestAValueOfTheWrongTypeIsAProtocolError(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   map[string]any
		into any
	}{
		{"text for an int", map[string]any{"gen": "1"}, &Stop{}},
		{"a float for an int", map[string]any{"gen": 1.5}, &Stop{}},
		{"an int for a bool", map[string]any{"if_idle": 1}, &Shutdown{}},
		{"an int for text", map[string]any{"build": 1}, &Hello{}},
		{"a list too long", map[string]any{"protocol": []int{1, 0, 0}}, &Hello{}},
		{"an int for a list", map[string]any{"seqs": 1}, &Release{}},
		{"text in a list of ints", map[string]any{"seqs": []string{"a"}}, &Release{}},
		{"a list for a map", map[string]any{"spec": []int{1}}, &Open{}},
		{"an int for join", map[string]any{"spec": map[string]any{"join": 1}}, &Open{}},
		{"an int for labels", map[string]any{"spec": map[string]any{"encode_labels": 1}}, &Open{}},
		{"an int for unknown labels", map[string]any{"spec": map[string]any{"unknown_label": 1}}, &Open{}},
		{"a shape of three", map[string]any{"shapes": [][]int{{1, 2, 3}}}, &Opened{}},
		{"a map among categories", map[string]any{"columns": []any{map[string]any{"categories": []any{map[string]any{}}}}}, &Opened{}},
		{"a pair of one", map[string]any{"columns": []any{map[string]any{"encoder": [][]any{{1}}}}}, &Opened{}},
		{"a number for a schema", map[string]any{"schema": 1}, &Started{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Decode(body(t, tc.in), tc.into)
			wantError(t, err, ErrProtocol)
		})
	}
}

func TestKeysThatAreNotKnownAreSkippedAndThoseLeftOutAreDefaults(t *testing.T) {
	var m Open
	check(t, Decode(body(t, map[string]any{"op": "open", "id": 5, "later": map[string]any{"a": []any{1, nil, "x"}},
		"spec": map[string]any{"obs_keys": []string{"a"}, "later": []any{1, map[string]any{"b": 2.5}}}}), &m))
	s := m.Spec
	if m.ID != 5 || s.JoinOrDefault() != JoinInner || !reflect.DeepEqual(s.Layers(), []string{"X"}) ||
		!reflect.DeepEqual(s.EncodedKeys(), []string{"a"}) || len(s.UnknownLabels()) != 0 {
		t.Errorf("got %+v", m)
	}
}

func TestTheFormsOfASpecMean(t *testing.T) {
	for _, tc := range []struct {
		name    string
		spec    map[string]any
		join    Join
		encoded []string
		unknown map[string]string
	}{
		{"no join", map[string]any{"join": nil}, JoinNone, []string{"a", "b"}, nil},
		{"all encoded", map[string]any{"encode_labels": true}, JoinInner, []string{"a", "b"}, nil},
		{"none encoded", map[string]any{"encode_labels": false, "unknown_label": "u"}, JoinInner, nil, map[string]string{}},
		{"an empty list", map[string]any{"encode_labels": []string{}}, JoinInner, []string{}, nil},
		{"one encoded", map[string]any{"encode_labels": []string{"b"}, "unknown_label": "u"}, JoinInner, []string{"b"}, map[string]string{"b": "u"}},
		{"an empty unknown label", map[string]any{"unknown_label": ""}, JoinInner, []string{"a", "b"}, map[string]string{"a": "", "b": ""}},
		{"one for each", map[string]any{"unknown_label": map[string]string{"a": "u"}}, JoinInner, []string{"a", "b"}, map[string]string{"a": "u"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec["obs_keys"] = []string{"a", "b"}
			var s Spec
			check(t, msgpack.Unmarshal(body(t, tc.spec), &s))
			if s.JoinOrDefault() != tc.join || !reflect.DeepEqual(s.EncodedKeys(), tc.encoded) ||
				!reflect.DeepEqual(s.UnknownLabels(), tc.unknown) {
				t.Errorf("join %q, encoded %q, unknown %q", s.JoinOrDefault(), s.EncodedKeys(), s.UnknownLabels())
			}
		})
	}
}

func TestDecodingCostsMemoryInProportionToTheMessage(t *testing.T) {
	many := func(n int, v any) (list []any) {
		for range n {
			list = append(list, v)
		}
		return list
	}
	const n = 100_000
	for _, tc := range []struct {
		name string
		in   map[string]any
		into func() any
	}{
		{"empty paths", map[string]any{"paths": many(n, "")}, func() any { return new(Open) }},
		{"empty keys", map[string]any{"spec": map[string]any{"obs_keys": many(n, "")}}, func() any { return new(Open) }},
		{"small seqs", map[string]any{"seqs": many(n, 1)}, func() any { return new(Release) }},
		{"fields without keys", map[string]any{"schema": many(n, map[string]any{})}, func() any { return new(Started) }},
		{"fields that are nil", map[string]any{"schema": many(n, nil)}, func() any { return new(Started) }},
		{"columns without keys", map[string]any{"columns": many(n, map[string]any{})}, func() any { return new(Opened) }},
		{"a key nobody knows", map[string]any{"later": many(n, many(5, "x"))}, func() any { return new(Hello) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := body(t, tc.in)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			Decode(b, tc.into()) // an error is as good
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 64*uint64(len(b)) {
				t.Errorf("%d bytes allocated for a message of %d", got, len(b))
			}
		})
	}
}

func TestAnErrorIsSentAsUTF8(t *testing.T) {
	e := &Error{Code: CodeNotFound, Object: "/data/\xff.h5ad", Message: "no file /data/\xff.h5ad"}
	frame, err := appendMessage(nil, e, 1<<20)
	check(t, err)
	var got Error
	check(t, Decode(frame[headLen:], &got))
	if got.Object != "/data/\uFFFD.h5ad" || e.Object != "/data/\xff.h5ad" {
		t.Errorf("sent %q, keeps %q", got.Object, e.Object)
	}
}

func TestErrorsAreToldApartByCode(t *testing.T) {
	for _, a := range Codes {
		err := fmt.Errorf("start: %w", &Error{Code: a, Message: "m"})
		for _, b := range Codes {
			if got := errors.Is(err, &Error{Code: b}); got != (a == b) {
				t.Errorf("%s is %s: %v", a, b, got)
			}
		}
	}
	if errors.Is(&Error{Code: CodeIndex, Message: "a"}, &Error{Code: CodeIndex, Message: "b"}) {
		t.Error("two different errors of one code are the same")
	}
	if got, want := (&Error{Code: CodeMemory, Object: "ring", Message: "too small", Hint: "less"}).Error(), "ring: too small; less"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (&Error{Code: CodeMemory}).Error(); got != "memory" {
		t.Errorf("%q", got)
	}
}

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	want := []int64{0, -1, math.MaxInt64, math.MinInt64, 7}
	got, err := DecodeRows(make([]int64, 0, 2), EncodeRows(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	_, err = DecodeRows(nil, make([]byte, 9))
	wantError(t, err, ErrProtocol, "9 bytes")
}

// FuzzReadMsg feeds a daemon's end what no client would send.
func FuzzReadMsg(f *testing.F) {
	for _, m := range samples() {
		frame, err := appendMessage(nil, m, 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
		f.Add(append(frame, frame[:len(frame)/2]...))
	}
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		a, b := sockets(t)
		if len(stream) > 64<<10 {
			return
		}
		b.Write(stream)
		b.Close()
		c := NewConn(a, ServerLimits)
		for {
			op, body, err := c.ReadMsg()
			if err != nil {
				return
			}
			if op != OpWelcome && len(body) > ServerLimits.Handshake && !c.welcome.Load() {
				t.Fatalf("a body of %d bytes before welcome", len(body))
			}
			decodeAll(t, body)
		}
	})
}

// FuzzDecode feeds every message's decoder, without the frame.
func FuzzDecode(f *testing.F) {
	for _, m := range samples() {
		frame, err := appendMessage(nil, m, 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame[headLen:])
	}
	f.Fuzz(decodeAll)
}

// decodeAll decodes body as every message. What was decoded can be sent, and comes back the same.
func decodeAll(t *testing.T, body []byte) {
	for _, m := range append(append([]Message{}, requests...), answers...) {
		v := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if Decode(body, v) != nil {
			continue
		}
		if s, ok := v.(*Started); ok && s.Schema.Validate() == nil && s.N >= 0 {
			s.Schema.Layout(s.N, make([]int, s.Schema.NumVar()))
		}
		once, err := appendMessage(nil, v, 1<<30)
		if err != nil {
			t.Fatalf("%T: what was decoded cannot be encoded: %v", v, err)
		}
		again := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if err := Decode(once[headLen:], again); err != nil {
			if hasBadText(once) {
				continue
			}
			t.Fatalf("%T: what was encoded cannot be decoded: %v", v, err)
		}
		twice, err := appendMessage(nil, again, 1<<30)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%T: %x, then %x, %v", v, once, twice, err)
		}
	}
}

// hasBadText reports whether bytes that came as bin, where text was due, are not UTF-8.
func hasBadText(frame []byte) bool {
	_, err := scan(frame[headLen:], 1<<30)
	return err != nil && strings.Contains(err.Error(), "UTF-8")
}
