package lineage

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loaderd/loaderd/registry"
)

var update = flag.Bool("update", false, "write the golden files")

// history is a database whose uids and times are known.
type history struct {
	*testing.T
	db   *registry.DB
	runs int
}

func newHistory(t *testing.T) *history {
	db, err := registry.Open(context.Background(), registry.Options{Path: filepath.Join(t.TempDir(), "r.db"), User: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &history{T: t, db: db}
}

// pad makes a uid of n letters out of a name.
func pad(name string, n int) string {
	return (strings.Map(alphanumeric, name) + strings.Repeat("0", n))[:n]
}

// artifact saves one that a run made, "" for none, and gives its uid.
func (h *history) artifact(name, run string) string {
	h.Helper()
	r := registry.Record{"uid": pad(name, 16) + "0000", "path": "/data/" + name, "key": name, "hash": "hash of " + name, "size": 1, "suffix": ".h5ad"}
	if run != "" {
		r["run"] = run
	}
	return h.save(registry.Save{Model: registry.ModelArtifact, Record: r})
}

func alphanumeric(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return 'x'
}

func (h *history) save(s registry.Save) string {
	h.Helper()
	out, err := h.db.Save(context.Background(), s)
	if err != nil {
		h.Fatal(err)
	}
	return out.Record.UID()
}

// run opens one of a transform and gives it inputs.
func (h *history) run(key string, inputs ...registry.Input) string {
	h.Helper()
	h.runs++
	out, err := h.db.Track(context.Background(),
		registry.Record{"uid": pad(key, 12) + "0000", "key": key, "hash": "of " + key},
		registry.Record{"uid": pad(fmt.Sprintf("run%d", h.runs), 16), "started_at": time.Date(2026, 3, h.runs, 9, 30, 0, 0, time.UTC)})
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.db.AddInputs(context.Background(), out.Run.UID(), inputs); err != nil {
		h.Fatal(err)
	}
	if h.runs > 1 {
		if _, err := h.db.Finish(context.Background(), out.Run.UID(), "finished"); err != nil {
			h.Fatal(err)
		}
	}
	return out.Run.UID()
}

func (h *history) collection(name, run string, members ...any) string {
	h.Helper()
	r := registry.Record{"uid": pad(name, 16) + "0000", "name": name}
	if run != "" {
		r["run"] = run
	}
	return h.save(registry.Save{Model: registry.ModelCollection, Record: r, Members: members})
}

func of(m registry.Model, uids ...string) (out []registry.Input) {
	for _, uid := range uids {
		out = append(out, registry.Input{Model: m, UID: uid})
	}
	return out
}

// usual is raw files, which a run cleans, a collection of them, and a model that is trained on it.
func usual(t *testing.T) (*history, map[string]string) {
	h := newHistory(t)
	u := make(map[string]string)
	u["a"], u["b"] = h.artifact("raw/a.h5ad", ""), h.artifact("raw/b <&> \x1b[31m.h5ad", "")
	u["qc"] = h.run("qc.py", of(registry.ModelArtifact, u["a"], u["b"])...)
	u["clean a"], u["clean b"] = h.artifact("clean/a.h5ad", u["qc"]), h.artifact("clean/一つの長い名前のファイル_with_a_long_name_b.h5ad", u["qc"])
	u["atlas"] = h.collection("atlas", "", u["clean a"], u["clean b"])
	u["train"] = h.run("train.ipynb", append(of(registry.ModelCollection, u["atlas"]), of(registry.ModelArtifact, u["a"])...)...)
	u["model"] = h.artifact("model.pt", u["train"])
	u["again"] = h.run("qc.py", of(registry.ModelArtifact, u["a"])...)
	h.artifact("clean/a.h5ad", u["again"])
	if _, err := h.db.Delete(context.Background(), registry.ModelArtifact, u["b"], false); err != nil {
		t.Fatal(err)
	}
	return h, u
}

func draw(t *testing.T, db *registry.DB, uid string, o Options) (text, svg string) {
	t.Helper()
	g, err := Load(context.Background(), db, uid, o)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(Text(&a, g), SVG(&b, g)); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v\n%s", err, b.Bytes())
		}
	}
	return a.String(), b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./registry/lineage -update writes it anew); got\n%s", path, got)
	}
}

func TestTheLineageOfEachKindOfRecord(t *testing.T) {
	h, u := usual(t)
	for name, uid := range map[string]string{"model": u["model"], "raw": u["a"], "collection": u["atlas"], "run": u["train"], "transform": pad("qcxpy", 16)} {
		text, svg := draw(t, h.db, uid, Options{})
		golden(t, name+".txt", text)
		golden(t, name+".svg", svg)
	}
	alone, svg := draw(t, h.db, h.artifact("alone.h5ad", ""), Options{})
	golden(t, "alone.txt", alone)
	golden(t, "alone.svg", svg)
}

func TestWhatHasNoLineageIsNamed(t *testing.T) {
	h := newHistory(t)
	for uid, says := range map[string]string{
		"nowhere": "no artifact, collection, run or transform",
		h.save(registry.Save{Model: registry.ModelTransform, Record: registry.Record{"key": "x"}}): "not run yet",
	} {
		if _, err := Load(context.Background(), h.db, uid, Options{}); !errors.Is(err, registry.ErrNoRecord) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", uid, err)
		}
	}
}

func TestALargeLineageIsCutAndSaysSo(t *testing.T) {
	h := newHistory(t)
	first := h.artifact("first", "")
	run := h.run("split.py", of(registry.ModelArtifact, first)...)
	for i := range 40 {
		h.artifact(fmt.Sprintf("part%02d", i), run)
	}
	text, svg := draw(t, h.db, first, Options{})
	if !strings.Contains(text, "… 28 more") || strings.Count(text, "artifact part") != 12 || !strings.Contains(svg, "into 28 more") {
		t.Errorf("twelve of forty:\n%s", text)
	}
	text, _ = draw(t, h.db, first, Options{Most: 5, Each: 100})
	if !strings.Contains(text, "… 37 more") || strings.Count(text, "artifact part") != 3 {
		t.Errorf("five nodes:\n%s", text)
	}
}

func TestARunThatReadsWhatAnotherMadeOfItsOutputGoesInACircle(t *testing.T) {
	h := newHistory(t)
	one := h.run("one.py")
	a := h.artifact("a", one)
	two := h.run("two.py", of(registry.ModelArtifact, a)...)
	b := h.artifact("b", two)
	if _, err := h.db.AddInputs(context.Background(), one, of(registry.ModelArtifact, b)); err != nil {
		t.Fatal(err)
	}
	text, svg := draw(t, h.db, a, Options{})
	golden(t, "circle.txt", text)
	golden(t, "circle.svg", svg)
}

// TestLayoutsOfRandomGraphs: no two boxes of a layer touch, and all edges but those of circles lead to the right.
func TestLayoutsOfRandomGraphs(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(3, seed))
		g := &Graph{Roots: 1}
		n := 1 + r.IntN(40)
		for range n {
			g.Nodes = append(g.Nodes, &Node{Model: registry.ModelArtifact, Record: registry.Record{"uid": "x"}, Title: strings.Repeat("w", 1+r.IntN(50))})
		}
		circles := seed%2 == 0
		for range r.IntN(3 * n) {
			from, to := r.IntN(n), r.IntN(n)
			if from == to || !circles && from > to {
				continue
			}
			g.Nodes[from].Into = append(g.Nodes[from].Into, Edge{to, Input})
			g.Nodes[to].From = append(g.Nodes[to].From, Edge{from, Input})
		}
		l := newLayout(g, func(n *Node) float64 { return 30 + float64(len(n.Title)) })
		back := 0
		for i, node := range g.Nodes {
			for _, e := range node.Into {
				if l.spots[e.To].layer <= l.spots[i].layer {
					back++
				}
			}
		}
		if back > 0 && !circles {
			t.Fatalf("seed %d: %d edges lead back", seed, back)
		}
		for _, layer := range l.layers {
			nodes := 0
			for i, s := range layer {
				if s.node >= 0 {
					nodes++
				}
				if i > 0 && s.y-layer[i-1].y < (s.high+layer[i-1].high)/2+rowGap-1e-6 {
					t.Fatalf("seed %d: spots touch at %f and %f", seed, layer[i-1].y, s.y)
				}
			}
			if nodes == 0 {
				t.Fatalf("seed %d: a layer without a node", seed)
			}
		}
		var one, two bytes.Buffer
		if err := errors.Join(SVG(&one, g), SVG(&two, g)); err != nil || one.String() != two.String() {
			t.Fatalf("seed %d: the pictures differ, %v", seed, err)
		}
	}
}
