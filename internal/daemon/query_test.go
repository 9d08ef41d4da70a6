package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/loaderd/loaderd/ipc"
)

// addQuery adds a query for one test.
func addQuery(t *testing.T, name string, fn func(context.Context, asked) (*result, error)) {
	t.Helper()
	queries[name] = fn
	t.Cleanup(func() { delete(queries, name) })
}

func TestAQueryIsAnsweredWithAValueAndArraysOfTheCallersOwn(t *testing.T) {
	addQuery(t, "probe", func(_ context.Context, q asked) (*result, error) {
		var args struct {
			N int64 `msgpack:"n"`
		}
		if err := q.args.Decode(&args); err != nil {
			return nil, err
		}
		data := binary.LittleEndian.AppendUint64(nil, uint64(args.N))
		none := bytesArray("none", "float64", []int64{0, 3}, nil)
		codes := bytesArray("codes", "int8", []int64{2}, []byte{1, 0xff})
		codes.categories = []any{"B", "T"}
		return &result{value: args.N + 1, arrays: []resultArray{bytesArray("n", "int64", []int64{1}, data), none, codes}}, nil
	})
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	got, err := c.Query(h.ctx, "probe", map[string]any{"n": 41})
	if err != nil {
		t.Fatal(err)
	}
	if got.Value != int64(42) || len(got.Arrays) != 3 {
		t.Fatalf("value %v, %d arrays", got.Value, len(got.Arrays))
	}
	n, none, codes := got.Arrays[0], got.Arrays[1], got.Arrays[2]
	if len(n.Bytes()) != 8 || n.Bytes()[0] != 41 || len(none.Bytes()) != 0 || codes.Categories[1] != "T" || codes.Bytes()[1] != 0xff {
		t.Errorf("arrays %v", got.Arrays)
	}
}

func TestAQueryEndsWhenItsClientHangsUp(t *testing.T) {
	asking, ended := make(chan struct{}), make(chan error)
	addQuery(t, "waits", func(ctx context.Context, _ asked) (*result, error) {
		close(asking)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	})
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	ctx, cancel := context.WithCancel(h.ctx)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Query(ctx, "waits", nil)
		answered <- err
	}()
	<-asking
	c.Close()
	if why := <-ended; !errors.Is(why, errHungUp) && !errors.Is(why, errPeerDied) {
		t.Errorf("it ended because of %v", why)
	}
	cancel()
	if err := <-answered; err == nil {
		t.Error("the query was answered")
	}
}

func TestAQueryThatFailsOrPanicsCostsNothingElse(t *testing.T) {
	addQuery(t, "panics", func(context.Context, asked) (*result, error) { panic("boom") })
	addQuery(t, "fails late", func(context.Context, asked) (*result, error) {
		return &result{arrays: []resultArray{{name: "a", dtype: "int8", shape: []int64{1}, size: 1, fill: func([]byte) error { panic("late") }}}}, nil
	})
	h := serve(t, Options{})
	c := h.dial(t)
	if _, err := c.Query(h.ctx, "var_list", nil); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("before open: %v", err)
	}
	if _, err := c.Open(h.ctx, []string{pbmc}, rawSpec); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]error{"panics": ipc.ErrInternal, "fails late": ipc.ErrInternal, "var_lists": ipc.ErrInvalidArgument} {
		if _, err := c.Query(h.ctx, what, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	got, err := c.Query(h.ctx, "var_list", nil)
	if err != nil {
		t.Fatal(err)
	}
	lengths := got.Value.(map[string]any)["lengths"].([]any)
	if len(lengths) != 1 || len(got.Arrays[2].Bytes()) != 4*765 {
		t.Errorf("var_list: %v", lengths)
	}
}

func TestQueriesSayWhatAPanelCoversAndWhatCannotBeABatch(t *testing.T) {
	h := serve(t, Options{})
	c := h.open(t, rawSpec, pbmc)
	if got, err := c.Query(h.ctx, "coverage", nil); err != nil || got.Value != nil {
		t.Errorf("without a panel: %v, %v", got.Value, err)
	}
	list, err := c.Query(h.ctx, "var_list", map[string]any{"raw": true})
	if err != nil {
		t.Fatal(err)
	}
	text, ends := list.Arrays[0].Bytes(), list.Arrays[1].Bytes()
	first := string(text[:binary.LittleEndian.Uint64(ends)])
	panel := rawSpec
	panel.VarNames = []string{first, "none", "nothing"}
	c = h.open(t, panel, pbmc)
	got, err := c.Query(h.ctx, "coverage", nil)
	if err != nil {
		t.Fatal(err)
	}
	value := got.Value.(map[string]any)
	if n := value["raw"].([]any); len(n) != 1 || fmt.Sprint(n[0]) != "1" || len(value["near"].([]any)) != 1 {
		t.Errorf("coverage %v", value)
	}
	if _, err := c.Query(h.ctx, "form", map[string]any{"format": "csr", "dtype": nil}); err != nil {
		t.Errorf("csr: %v", err)
	}
	for _, args := range []map[string]any{{"format": "coo"}, {"format": "dense", "dtype": "float31"}} {
		if _, err := c.Query(h.ctx, "form", args); !errors.Is(err, ipc.ErrInvalidArgument) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
